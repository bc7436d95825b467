"""count_tags.py FILE TAG: parses the XML and prints how many such elements and step colours it has."""

import sys
import xml.etree.ElementTree as tree

path, tag = sys.argv[1:]
elements = [e for e in tree.parse(path).iter() if e.tag.rpartition("}")[2] == tag]
colours = {e.get("fill") for e in elements if e.get("fill", "").startswith("#")}
print(f"{len(elements)} {tag}, {len(colours)} colours")
