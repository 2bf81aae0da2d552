"""Members that do not exist, or not there, and where a person is sent."""

from typing import Any

import pytest

from tests.support.checked import EMBED, HELLO, JSON, config, part, the_problem

NEW = "If the service has learnt it since this release, upload the file yourself"


@pytest.mark.parametrize(
    ("request_", "field", "remedy"),
    [
        # Misplaced
        ({**HELLO, "temperature": 1}, "temperature", "It belongs in generationConfig."),
        (
            {**HELLO, "max_output_tokens": 1},
            "max_output_tokens",
            "It belongs in generationC",
        ),
        (
            {**HELLO, "thinking_budget": 1},
            "thinking_budget",
            "It belongs in generationConfig.thinkingConfig.",
        ),
        ({**HELLO, "aspectRatio": "1:1"}, "aspectRatio", "generationConfig.imageConfig"),
        ({**HELLO, "googleSearch": {}}, "googleSearch", "It belongs in tools, a list."),
        (
            config(system_instruction={}),
            "generationConfig.system_instruction",
            "beside contents",
        ),
        (config(tools=[]), "generationConfig.tools", "beside contents"),
        (config(safety_settings=[]), "generationConfig.safety_settings", "beside contents"),
        (config(cachedContent="x"), "generationConfig.cachedContent", "beside contents"),
        (config(thinkingBudget=1), "generationConfig.thinkingBudget", ".thinkingConfig."),
        (part(text="x", mime_type="a/b"), "contents[0].parts[0].mime_type", "inlineData"),
        (
            part(text="x", fileUri="x"),
            "contents[0].parts[0].fileUri",
            "It belongs in fileData.",
        ),
        (
            part(text="x", role="user"),
            "contents[0].parts[0].role",
            "the content that holds",
        ),
        (
            {**HELLO, "tools": [{"name": "f"}]},
            "tools[0].name",
            "It belongs in functionDeclarations, a list.",
        ),
        (
            {**HELLO, "toolConfig": {"mode": "ANY"}},
            "toolConfig.mode",
            "It belongs in toolConfig.functionCallingConfig.",
        ),
        # Misspelt, or called otherwise elsewhere
        (config(topp=1), "generationConfig.topp", "Did you mean 'topP'?"),
        (
            config(max_tokens=1),
            "generationConfig.max_tokens",
            "It is called 'maxOutputTokens'",
        ),
        (
            config(maxOutputToken=1),
            "generationConfig.maxOutputToken",
            "Did you mean 'maxOut",
        ),
        (config(stop=["x"]), "generationConfig.stop", "It is called 'stopSequences' here."),
        (
            {**HELLO, "max_tokens": 1},
            "max_tokens",
            "It is called 'maxOutputTokens' here and belongs in generationConfig.",
        ),
        ({**HELLO, "system": "x"}, "system", "It is called 'systemInstruction' here."),
        ({"content_s": []}, "content_s", "Did you mean 'contents'?"),
        (
            {**EMBED, "dimensions": 3},
            "dimensions",
            "It is called 'outputDimensionality' here.",
        ),
        ({**EMBED, "output_dimension": 3}, "output_dimension", "'outputDimensionality'?"),
        # Not for the service
        ({**HELLO, "http_options": {}}, "http_options", "option of google-genai itself"),
        (
            config(automatic_function_calling={}),
            "generationConfig.automatic_function_calling",
            "remove it",
        ),
        (
            config(routingConfig={}),
            "generationConfig.routingConfig",
            "Only Vertex AI has it",
        ),
        ({**EMBED, "auto_truncate": True}, "auto_truncate", "Only Vertex AI has it"),
        ({**EMBED, "embed_content_config": {}}, "embed_content_config", "beside content."),
        (
            config(**JSON, responseSchema={"$defs": {}}),
            "generationConfig.responseSchema.$defs",
            "a JSON Schema goes into responseJsonSchema",
        ),
        # Unknown
        ({**HELLO, "brandNew": 1}, "brandNew", NEW),
        (
            config(**JSON, responseSchema={"zzz": 1}),
            "generationConfig.responseSchema.zzz",
            NEW,
        ),
        (
            config(**JSON, responseSchema={"properties": {"a_b": {"anyOf": [{"zzz": 1}]}}}),
            "generationConfig.responseSchema.properties.a_b.anyOf[0].zzz",
            NEW,
        ),
    ],
)
def test_unknown_members_are_told_where_they_go(
    request_: Any, field: str, remedy: str
) -> None:
    problem = the_problem(request_)

    assert problem.field == f"request.{field}"
    assert "has no member" in problem.message
    assert remedy in problem.remedy


def test_the_flattened_config_of_google_genai_is_taken_apart() -> None:
    flattened = {"top_p": 1, "tools": [], "system_instruction": "x", "http_options": {}}

    problem = the_problem({**HELLO, "config": flattened})

    assert problem.field == "request.config"
    assert problem.remedy == (
        "It is google-genai's flattened form. Its members go elsewhere: into generationConfig "
        "topP; beside contents tools, systemInstruction; out of the row httpOptions."
    )
    assert the_problem({**HELLO, "config": 5}).remedy.endswith("go elsewhere.")
