-- Business metrics of every model, as they were told; a value told anew is a row of its own.
create table kpis (
    seq bigint not null,
    model varchar not null,
    name varchar not null,
    "at" timestamp not null,
    known_at timestamp not null,
    version varchar,
    value double not null
);

-- Requests and responses that wait for each other. `event` tells which belong together; one whose
-- `side` is `joined` has been found its other half, and says so of a half that comes again.
create table halves (
    seq bigint not null,
    model varchar not null,
    event varchar not null,
    side varchar not null,
    id varchar not null,
    known_at timestamp not null,
    envelope varchar not null,
    content blob not null
);

-- How many halves were given up, since the other one did not come.
create table forgotten_halves (model varchar not null, known_at timestamp not null, halves bigint not null);
