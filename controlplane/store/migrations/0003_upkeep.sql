-- Ids whose rows were erased, told by hashes alone: `mark` finds them quickly, `sha256` for certain.
create table erased_ids (
    model varchar not null,
    mark ubigint not null,
    sha256 varchar not null,
    erased_at timestamp not null,
    "by" varchar not null
);

-- Where rows that are gone stood in the order of arrival: windows of counted rows keep their bounds.
create table removed_places (model varchar not null, known_at timestamp not null, seq bigint not null);

-- The least arrival number that a table may give next: that of a row that is gone never comes again.
create table arrival_floors ("table" varchar not null, next bigint not null);

-- When the file was last written anew without what had been deleted.
create table compactions (compacted_at timestamp not null, bytes_before bigint not null, bytes_after bigint not null);

-- Whether a rejected row's text is all of it, so that it can be sent again; null: not known.
alter table rejected_rows add column whole boolean;
