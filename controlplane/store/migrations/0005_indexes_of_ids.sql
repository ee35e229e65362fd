-- Which files hold the index of a table's ids, and below which arrival number its rows are in them.
create table id_indexes (name varchar not null, token varchar not null, covered bigint not null);

-- Models whose labels were stored before each was stored with the time of its prediction.
create table unplaced_labels (model varchar not null);
