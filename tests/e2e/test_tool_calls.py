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


if __name__ == "__main__":
    unittest.main()
