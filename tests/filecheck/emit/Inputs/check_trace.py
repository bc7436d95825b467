"""check_trace.py FILE: says what a Chrome trace holds and how many slices of a thread overlap."""

import json
import sys

events = json.load(open(sys.argv[1]))["traceEvents"]


def names(kind):
    return " ".join(e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == kind)


slices = [e for e in events if e["ph"] == "X"]
tracks = {}
for event in slices:
    tracks.setdefault((event["pid"], event["tid"]), []).append(event)
overlaps = 0
for track in tracks.values():
    track.sort(key=lambda e: (e["ts"], e["dur"]))
    # A tenth of a nanosecond: times are microseconds in floating point.
    overlaps += sum(a["ts"] + a["dur"] > b["ts"] + 1e-4 for a, b in zip(track, track[1:]))
print("processes:", names("process_name"))
print("threads:", names("thread_name"))
print("slices:", len(slices))
print("steps:", *sorted({e["args"]["step"] for e in slices}))
print("overlaps:", overlaps)
