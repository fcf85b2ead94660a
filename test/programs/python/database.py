#!/usr/bin/python3
# sqlite3 in every journal mode, with locks between processes.
import os, sqlite3, subprocess, sys
writer = """
import sqlite3, sys
c = sqlite3.connect("db", timeout=60)
for j in range(10): c.execute("insert into t values (?, ?)", (int(sys.argv[1]), j)); c.commit()
"""
for mode in ("delete", "truncate", "persist", "wal", "memory"):
    for f in ("db", "db-wal", "db-shm", "db-journal"):
        if os.path.exists(f): os.remove(f)
    c = sqlite3.connect("db"); print(c.execute(f"pragma journal_mode={mode}").fetchone()); c.execute("pragma synchronous=off"); c.execute("create table t (a, b)"); c.commit()
    c.executemany("insert into t values (?, ?)", ((-1, i) for i in range(5000))); c.commit(); c.execute("delete from t where b >= 100"); c.rollback(); print(c.execute("select count(*), sum(b) from t").fetchone())
    if mode != "memory":
        ps = [subprocess.Popen([sys.executable, "-c", writer, str(i)]) for i in range(2)]; print([p.wait() for p in ps], c.execute("select a, count(*) from t group by a order by a").fetchall())
    d = sqlite3.connect("db", timeout=0.1); c.execute("begin immediate")
    try: d.execute("begin immediate"); print("both?")
    except sqlite3.OperationalError as e: print(e)
    c.rollback(); print(c.execute("pragma integrity_check").fetchone(), sorted(f for f in os.listdir(".") if f.startswith("db"))); c.execute("create index i on t(b)"); c.execute("vacuum"); c.close(); d.close()
m = sqlite3.connect(":memory:"); m.execute("create virtual table f using fts5(x)"); m.execute("insert into f values ('the quick fox')"); print(m.execute("select * from f where f match 'quick'").fetchall()); print(m.execute("with recursive n(i) as (select 1 union all select i+1 from n where i < 1000) select sum(i) from n").fetchone()); m.commit(); b = sqlite3.connect("backup"); m.backup(b); print(os.path.getsize("backup") > 0)
