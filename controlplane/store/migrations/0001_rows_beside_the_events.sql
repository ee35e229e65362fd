-- Rows that could not be stored, of every model; `rows` is 1, or how many more there were.
create table rejected_rows (
    seq bigint not null,
    model varchar not null,
    known_at timestamp not null,
    feed varchar not null,
    reason varchar not null,
    "text" varchar not null,
    rows bigint not null
);

-- Models in which an id came at more than one event time: their labels need the longer search.
create table reused_ids (model varchar not null);
