"""check_memory.py FILE.json FILE.svg: what the JSON says of memory, and whether it adds up.

Sums what is alive at every time of the interval anew, from the buffers alone, and counts the
rectangles that the picture needs for the same buffers.
"""

import json
import sys
import xml.etree.ElementTree as tree

memory = json.load(open(sys.argv[1]))
print("keys:", *memory)
print("interval:", memory["interval_ns"])
num_boxes = 1  # what is behind all
for arena in memory["arenas"]:
    always = 0
    pieces = []
    for buffer in arena["buffers"]:
        num_bytes = buffer["stride_bytes"] * buffer["versions"]
        lifelong = all(piece == [0, memory["interval_ns"]] for piece in buffer["live"])
        if buffer["versions"] > 1 or lifelong:
            always += num_bytes
        else:
            pieces += [(begin, end, num_bytes) for begin, end in buffer["live"]]
        keeps_idle = buffer["versions"] > 1 and not lifelong
        num_boxes += len(buffer["live"]) + (buffer["versions"] if keeps_idle else 0)
    times = {0, *(begin for begin, _, _ in pieces)}
    peak = max(always + sum(n for b, e, n in pieces if b <= t < e) for t in times)
    listed = sum(value["bytes"] for value in arena["alive_at_peak"])
    print(f"{arena['device']}: peak {arena['peak_bytes']} of {arena['size_bytes']} at "
          f"{arena['peak_at_ns']} while {arena['peak_while']}, "
          f"summed {peak}, listed {listed}")
    for buffer in arena["buffers"]:
        print(f"  {buffer['name']} x{buffer['versions']}", *buffer["live"],
              "by", *buffer["written_by"], "for", *buffer["read_by"])
boxes = [e for e in tree.parse(sys.argv[2]).iter() if e.tag.rpartition("}")[2] == "rect"]
print("boxes:", "as many as pieces and versions" if len(boxes) == num_boxes else len(boxes))
