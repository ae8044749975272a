"""Runs the examples of the reference: reads a step a line, and prints the responses of each."""
import json
import sys

from google.protobuf.json_format import MessageToDict

scope = {}
for line in sys.stdin:
    step = json.loads(line)
    scope |= step["variables"]
    scope |= {"response": None, "responses": []}
    exec(step["code"], scope)
    responses = [scope["response"]] if scope["response"] else scope["responses"]
    print(json.dumps([MessageToDict(response) for response in responses]), flush=True)
