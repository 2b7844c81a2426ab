"""Tools with random schemas: no call is malformed, all arguments fit. bench/tool_calls.py asks more."""
import json
import unittest

import harness
import schema_noise

CHAT = "/v1/chat/completions"
REQUESTS = 12


class ToolCalls(unittest.TestCase):
    def test_arguments_fit_their_schemas(self):
        noise = schema_noise.Noise(7)
        calls = 0
        with harness.Daemon() as daemon:
            for number in range(REQUESTS):
                tools = [noise.tool(0), noise.tool(1)]
                body = {"messages": [{"role": "user", "content": "Call a tool."}], "tools": tools, "seed": number,
                        "tool_choice": "required", "temperature": number % 2, "max_tokens": 200}
                answer = daemon.request("POST", CHAT, json.dumps(body))
                self.assertEqual(answer.status, 200, answer.body)
                choice = answer.json["choices"][0]
                if choice["finish_reason"] == "length":
                    continue
                for call in choice["message"]["tool_calls"]:
                    calls += 1
                    self.assertEqual(schema_noise.call_faults(call, tools), ([], []), (call, tools))
        self.assertGreater(calls, REQUESTS // 3)

    def test_a_schema_that_nothing_fits_is_refused_with_its_place(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {
            "type": "object", "properties": {"a": {"type": "integer", "enum": ["x"]}}, "required": ["a"]}}}
        with harness.Daemon() as daemon:
            answer = daemon.request("POST", CHAT, json.dumps(harness.chat_body("Hello.", tools=[tool])))
            self.assertEqual(answer.status, 400)
            self.assertIn("tools[0].function.parameters: no value can fit it (at properties.a)",
                          answer.error["message"])

    def test_what_a_grammar_cannot_keep_is_said_and_looked_at(self):
        parameters = {"type": "object", "required": ["word", "price"], "properties": {
            "word": {"type": "string", "pattern": "(?i)^zq$"}, "price": {"type": "integer", "multipleOf": 7}}}
        place = "tools[0].function.parameters.properties."
        known = {"type": "object", "required": ["word"], "properties": {"word": parameters["properties"]["word"]}}
        with harness.Daemon() as daemon:
            for schema, loosened in ((parameters, ["word.pattern: is more than a grammar can say",
                                                   "price.multipleOf: is not understood"]),
                                     (known, ["word.pattern: is more than a grammar can say"]),
                                     ({"type": "object", "properties": {"word": {"enum": ["a"]}}}, [])):
                tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
                fields = {"tools": [tool], "tool_choice": "required", "max_tokens": 300}
                whole = daemon.chat("Call f.", **fields)
                self.assertEqual(whole.status, 200, whole.body)
                last = list(daemon.stream("Call f.", **fields).events())[-1]
                # In a session the client's tools stand behind Hearth's own, and are counted as the client does.
                fields["tool_choice"] = {"type": "function", "function": {"name": "f"}}
                remembered = daemon.chat("Call f.", session_id=f"of {len(loosened)}", **fields)
                self.assertEqual(remembered.status, 200, remembered.body)
                for answer in (whole.json, last, remembered.json):
                    self.assertEqual(answer.get("loosened", []), [place + line for line in loosened])
                call = whole.json["choices"][0]["message"]["tool_calls"][0]["function"]
                word = json.loads(call["arguments"]).get("word", "")
                # Keywords that are not known are told above; the pattern can be looked at afterwards.
                breaks = schema is known and word.lower() != "zq"
                self.assertEqual([line.split(": ")[0] for line in whole.json.get("violations", [])],
                                 ["choices[0].message.tool_calls[0].function.arguments.word"] if breaks else [])
                self.assertEqual(last.get("violations"), whole.json.get("violations"))

    def test_an_answer_in_a_loosened_form_says_so(self):
        schema = {"type": "object", "required": ["mail"], "properties": {"mail": {"type": "string", "format": "email",
                                                                                  "maxLength": 20}}}
        form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        with harness.Daemon() as daemon:
            answer = daemon.chat("Say something.", response_format=form, max_tokens=200)
            self.assertEqual(answer.json["loosened"],
                             ['response_format.properties.mail.format: "email" is not known'])


if __name__ == "__main__":
    unittest.main()
