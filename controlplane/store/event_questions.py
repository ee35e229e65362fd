"""The statements about rows and labels, written out once.

To which prediction a label belongs: the one with its id at the very time that the label names;
else the latest with its id that happened before the label was known; else the earliest, for which
the label had been waiting. Where the id came at one time only that is `place`, stored with the
label, by which both sides of a join are pruned. Where it came at several, it is decided when it
is asked, so that the order of arrival does not matter: only rows of the roles that are asked
about, known by then, take part.

`{predictions}` and `{labels}` are tables; `{some_predictions}` and `{some_labels}` those of their
rows that lie in the stretches of time that a question concerns.
"""

from typing import Final

ROWS: Final = """
select {columns}, seq from {predictions}
where "at" >= $start and "at" < $end and known_at <= $by and list_contains($roles, role)"""
"""In no order: Arrow sorts wide rows in a fifth of the time."""

LABELLED: Final = """
with wanted as (
    select {columns} from {predictions}
    where "at" >= $start and "at" < $end and known_at <= $by and list_contains($roles, role)
),
latest as (
    select id, place, label, known_at as label_known_at from {labels}
    where place >= $start and place < $end and known_at <= $by
    qualify row_number() over (partition by id, place order by known_at desc, seq desc) = 1
)
select wanted.*, latest.label, latest.label_known_at
from wanted join latest on wanted.id = latest.id and wanted."at" = latest.place
"""
"""Of ids that came at one time each."""

WANTED: Final = """
select id, "at" from {predictions}
where "at" >= $start and "at" < $end and known_at <= $by and list_contains($roles, role)"""

_PLACE: Final = """coalesce(
        max(p."at") filter (p."at" = told.said), max(p."at") filter (p."at" <= told.known_at),
        min(p."at")
    )"""
"""Of the moments `p` at which the id of a label `told` came, the one to which it belongs."""

_PLACED: Final = f"""
places as (
    select id, "at", min(known_at) as known_at from {{some_predictions}}
    where known_at <= $by and list_contains($roles, role) and id in (select id from told)
    group by id, "at"
),
placed as (
    select told.id, told.label, told.known_at, told.seq, {_PLACE} as "at"
    from told join places as p on told.id = p.id
    group by told.id, told.label, told.known_at, told.seq
)"""  # noqa: S608

LABELLED_AMONG: Final = f"""
with wanted as (
    select {{columns}} from {{predictions}}
    where "at" >= $start and "at" < $end and known_at <= $by and list_contains($roles, role)
),
told as (
    select id, label, "at" as said, known_at, seq from {{some_labels}}
    where known_at <= $by and id in (select id from wanted)
),
{_PLACED},
latest as (
    select id, "at", label, known_at as label_known_at from placed
    qualify row_number() over (partition by id, "at" order by known_at desc, seq desc) = 1
)
select wanted.*, latest.label, latest.label_known_at
from wanted join latest on wanted.id = latest.id and wanted."at" = latest."at"
"""  # noqa: S608
"""Of ids that came at several."""

NEWS: Final = """
select id, place as "at" from {labels}
where known_at > $after and known_at <= $by and place is not null
union all
select id, "at" from {predictions}
where known_at > $after and known_at <= $by and role = 'live'"""

PLACES_TOLD: Final = """
select place as "at" from {labels}
where known_at > $after and known_at <= $by and place is not null"""

PLACES_NEW: Final = """
select "at" from {predictions} where known_at > $after and known_at <= $by and role = 'live'"""

NEW_LABELS: Final = """
select p."at" as "at" from {some_predictions} as p join (
    select id, place from {labels} where known_at > $after and known_at <= $by
) as told on p.id = told.id and p."at" = told.place
where p.known_at <= $by and p.role = 'live'
union all
select p."at" as "at" from (
    select id, "at" from {predictions}
    where known_at > $after and known_at <= $by and role = 'live'
) as p join {some_labels} as told on p.id = told.id and p."at" = told.place
where told.known_at <= $after
order by 1"""
"""Labels that are new, of predictions where these have their place; then predictions that are
new, with labels that were there before them."""

NEW_LABELS_AMONG: Final = f"""
with told as (
    select id, label, "at" as said, known_at, seq from {{some_labels}}
    where known_at <= $by and (known_at > $after or id in (
        select id from {{predictions}}
        where known_at > $after and known_at <= $by and list_contains($roles, role)))
),
{_PLACED}
select places."at" as "at" from placed
join places on placed.id = places.id and placed."at" = places."at"
where greatest(placed.known_at, places.known_at) > $after
order by 1"""  # noqa: S608

SCORED: Final = """
with found as (
    select id, "at", prediction{logged_scores},
           case role when 'live' then 0 when 'canary' then 1 else 2 end as place, seq
    from {predictions}
    where "at" >= $start and "at" < $end and known_at <= $by and version = $version
      and prediction is not null and role <> 'reference'
    union all
    select id, "at", prediction{scored_scores}, 3 as place, seq from {scored}
    where "at" >= $start and "at" < $end and version = $version
)
select * exclude (place, seq) from found
qualify row_number() over (partition by id, "at" order by place, seq) = 1
order by "at", id"""

NEW_ROWS: Final = """
select "at" from {predictions}
where known_at > $after and known_at <= $by and role = 'live' and prediction is not null
order by 1"""

COUNT: Final = """
select count(*) from {predictions}
where "at" >= $start and "at" < $end and known_at <= $by and role = 'live'
  and (prediction is not null or not $served)"""

HOURS: Final = """
select epoch_us(date_trunc('hour', "at")) // 3600000000 as hour, count(*) as rows,
       min(epoch_us("at")) as first, max(epoch_us("at")) as last
from {predictions} where known_at <= $by and role = 'live' group by 1"""

REFERENCE_ROWS: Final = """
select count(*), min("at"), max("at"), max(known_at) from {predictions}
where role = 'reference' and version is not distinct from $version"""

ROW_NUMBERS: Final = """
select id, "at", known_at, seq from {predictions}
where role = 'live' and prediction is not null and known_at >= $low and known_at < $high
union all
select null, known_at, known_at, seq from removed_places
where model = $model and known_at >= $low and known_at < $high"""

"""A row that is gone keeps its number, without an id."""
ROWS_NUMBERED: Final = """
select (select count(*) from {predictions}
        where role = 'live' and prediction is not null and known_at < $by)
     + (select count(*) from removed_places where model = $model and known_at < $by)"""
NUMBERED_BOUNDS: Final = """
select epoch_us(min(known_at)), epoch_us(max(known_at)) from (
    select min(known_at) as known_at from {predictions} where role = 'live'
    union all select max(known_at) from {predictions} where role = 'live'
    union all select min(known_at) from removed_places where model = $model
    union all select max(known_at) from removed_places where model = $model)"""

# Answered by what DuckDB knows of each group of rows, without reading them, as long as every
# filter is a comparison with a constant and every figure has the filter in common.

PREDICTION_COUNTS: Final = """
select count(*), min("at"), max("at"), max(known_at) from {predictions} where role <> 'reference'"""
FIRST_SERVED: Final = """
select least(
    (select min("at") from {predictions} where role = 'live' and prediction is not null),
    (select min("at") from {predictions} where role = 'canary' and prediction is not null))"""
LABEL_COUNTS: Final = "select count(*), max(known_at) from {labels}"
LAST_AT: Final = """select max("at") from {predictions} where role <> 'reference'"""
LAST_AT_BY: Final = """
select max("at") from {predictions} where role <> 'reference' and "at" <= $by"""
REJECTED_COUNT: Final = "select coalesce(sum(rows), 0) from rejected_rows where model = ?"

# The writer's own. One row is served once; only in the shadow do several versions predict it.

FRESH: Final = """
select n from {incoming} as i
where n in (
    select min(n) from {incoming}
    group by id, "at", role, case when role = 'shadow' then version end)
  and not exists (
    select 1 from {some_predictions} as p
    where p.id = i.id and p."at" = i."at"
      and p.role = i.role and (p.role <> 'shadow' or p.version is not distinct from i.version))
order by n"""

COME_AGAIN: Final = """
select n from {incoming} as i
where exists (select 1 from {some_predictions} as p where p.id = i.id and p."at" <> i."at")
   or exists (select 1 from {incoming} as e where e.id = i.id and e."at" <> i."at" and e.n < i.n)
order by n"""

PLACES: Final = f"""
select told.n, {_PLACE} as place
from (select n, id, known_at, "at" as said from {{incoming}}) as told join (
    select distinct id, "at" from {{some_predictions}} where id in (select id from {{incoming}})
) as p on told.id = p.id
group by told.n order by told.n"""  # noqa: S608
"""Where incoming labels belong, by the rows there are."""

WAITING: Final = """
select seq, id, "at", known_at, label from {some_labels} as l
where id in (select id from {incoming})
order by seq"""

REMOVE_LABELS: Final = """
delete from {labels} where seq >= {low} and seq <= {high} and seq in (select seq from {incoming})"""

_REPEATED: Final = """
one_after_another as (
    select n, label is not distinct from lag(label) over (
        partition by id, said, place order by known_at, n >= 0, seq, n
    ) as repeated
    from placed
)
select n from one_after_another where n >= 0 and repeated order by n"""

LABELS_REPEATED: Final = f"""
with placed as (
    select n, id, label, "at" as said, known_at, place, null::bigint as seq from {{incoming}}
    union all
    select -1 as n, id, label, "at" as said, known_at, place, seq from {{some_labels}}
    where id in (select id from {{incoming}})
),
{_REPEATED}"""  # noqa: S608

LABELS_REPEATED_AMONG: Final = f"""
with told as (
    select n, id, label, "at" as said, known_at, null::bigint as seq from {{incoming}}
    union all
    select -1 as n, id, label, "at" as said, known_at, seq from {{some_labels}}
    where id in (select id from {{incoming}})
),
placed as (
    select told.n, told.id, told.label, told.said, told.known_at, told.seq, {_PLACE} as place
    from told left join (
        select distinct id, "at" from {{some_predictions}} where id in (select id from {{incoming}})
    ) as p on told.id = p.id
    group by all
),
{_REPEATED}"""  # noqa: S608

SCORED_FRESH: Final = """
select n from {incoming} as i
where n in (select min(n) from {incoming} group by id, "at")
  and not exists (
    select 1 from {scored} as s
    where s."at" >= $low and s."at" <= $high and s.id = i.id and s."at" = i."at"
      and s.version = $version)
order by n"""
