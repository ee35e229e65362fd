"""Makes `hours.parquet` out of the CSV of the bike-sharing data set; see DATA.md.

python examples/bike/make_extract.py bike_hour.csv.gz examples/bike/hours.parquet
"""

import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

KEPT = (
    "ts",
    "season",
    "hol",
    "dow",
    "wd",
    "weathersit",
    "temp",
    "atemp",
    "hum",
    "windspeed",
    "cnt",
)


def main(source: str, target: str) -> None:
    """Keep the features and the label; `casual` and `registered` add up to it and are left out."""
    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    table = pyarrow.csv.read_csv(source, convert_options=options).select(KEPT)
    for name in ("hol", "wd"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.bool_()))
    small = {name: pa.float32() for name in ("temp", "atemp", "hum", "windspeed")}
    for name, kind in small.items():
        table = table.set_column(
            table.column_names.index(name), name, table[name].cast(kind, safe=False)
        )
    pq.write_table(table, target, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(*sys.argv[1:])
