# The peer's load: lists of ten steps, each step checkpointed by dbos, `concurrency` lists at a time.
import json
import os
import resource
import sys
import threading
import time

from dbos import DBOS

url, seconds, concurrency = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
DBOS(config={
    "name": "bench",
    "system_database_url": url,
    "sys_db_pool_size": concurrency + 8,
    "log_level": "ERROR",
    "application_version": "bench",
})


@DBOS.step()
def step(number):
    return f"id-{number}"


@DBOS.workflow()
def ten_steps(number):
    for index in range(10):
        step(number * 10 + index)
    return number


DBOS.launch()
done = [0] * concurrency


def lane(index):
    while time.monotonic() < deadline:
        ten_steps(index)
        done[index] += 1


ten_steps(0)  # whatever is made at the first use is not measured
before = resource.getrusage(resource.RUSAGE_SELF)
begun = time.monotonic()
deadline = begun + seconds
lanes = [threading.Thread(target=lane, args=(index,)) for index in range(concurrency)]
for one in lanes:
    one.start()
for one in lanes:
    one.join()
took = time.monotonic() - begun
after = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "lists": sum(done),
    "seconds": took,
    "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    "peak_rss_mib": after.ru_maxrss // 1024,
}), flush=True)
os._exit(0)
