"""Reads a Parquet file with DuckDB and prints what its columns are and all of its rows. Usage: python parquet.py FILE"""

import json
import sys

import duckdb

rows = duckdb.read_parquet(sys.argv[1])
columns = list(zip(rows.columns, [str(kind) for kind in rows.types]))
read = rows.project("epoch_ms(time), channel, series, unit, min, max, mean, last, count").fetchall()
packed = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{sys.argv[1]}')").fetchall()
print(json.dumps({"columns": columns, "rows": read, "packed": packed}))
