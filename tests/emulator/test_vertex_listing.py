"""Lists of Vertex jobs: pages, masks, and the filter the server evaluates."""

import pytest

from gemini_batch.testing import ManualClock
from tests.emulator.cloud import (
    JOBS,
    MODEL,
    Cloud,
)
from tests.emulator.service import recorded, shape


async def test_locations_are_kept_apart(cloud: Cloud) -> None:
    here = (await cloud.create()).json["name"]
    there = (await cloud.create(location="europe-west1", displayName="there")).json["name"]
    moved = here.replace("us-central1", "europe-west1")

    assert "locations/europe-west1" in there
    assert await cloud.listed() == ["test"]
    assert (await cloud.call("GET", f"/v1/{moved}")).status == 404
    by_id = here.replace("123456789012", "emulator-project")
    assert (await cloud.get(by_id))["name"] == here
    assert (await cloud.call("GET", f"/v1beta1/{here}")).status == 200


async def test_lists_have_pages_and_masks(cloud: Cloud, clock: ManualClock) -> None:
    empty = await cloud.call("GET", JOBS)
    for number in range(3):
        await cloud.create(displayName=f"j{number}")
    first = (await cloud.call("GET", f"{JOBS}?pageSize=2")).json
    token = first["nextPageToken"].replace("=", "%3D")
    last = (await cloud.call("GET", f"{JOBS}?pageSize=2&pageToken={token}")).json
    masked = (await cloud.call("GET", f"{JOBS}?readMask=name,display_name,createTime")).json
    whole = (await cloud.call("GET", f"{JOBS}?readMask=*")).json

    assert empty.json == {}
    assert shape(first["batchPredictionJobs"][0]) == {
        **shape(recorded("vertex/list.response.json")["batchPredictionJobs"][0]),
        "modelVersionId": "str",
    }
    names = [
        job["displayName"] for page in (first, last) for job in page["batchPredictionJobs"]
    ]
    assert names == ["j2", "j1", "j0"]
    assert "nextPageToken" not in last
    assert masked["batchPredictionJobs"][0].keys() == {"name", "displayName", "createTime"}
    assert whole["batchPredictionJobs"][0]["model"] == MODEL
    for query in ("pageToken=x", "pageSize=-1", "odd=1"):
        assert (await cloud.call("GET", f"{JOBS}?{query}")).status == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("labels.team=a", ["one"]),
        ('labels.team!="a"', ["three", "two"]),
        ("labels.team:*", ["two", "one"]),
        ("NOT labels.team:*", ["three"]),
        ("-labels.team:*", ["three"]),
        ('labels.team="a" OR labels.team="b"', ["two", "one"]),
        ('display_name="one" OR display_name="two" AND labels.team="b"', ["two"]),
        (
            '(display_name="one") OR (display_name="two" AND labels.team="b")',
            ["two", "one"],
        ),
        ('labels.team:* display_name:"t*"', ["two"]),
        ("display_name:'*o*'", ["two", "one"]),
        ("display_name:one", ["one"]),
        ('display_name="o\\ne"', ["one"]),
        ('create_time="2026-09-01T10:00:00.123456Z"', ["one"]),
        ('create_time>="2026-09-01T10:00:00.5Z"', ["three", "two"]),
        ('create_time<="2026-09-01T12:00:00.123456+02:00"', ["one"]),
        ('create_time!="2026-09-01T10:00:00.123456Z"', ["three", "two"]),
        ("state!=JOB_STATE_PENDING", []),
        ('model_display_name!="gemini-2.5-flash"', []),
        ("   ", ["three", "two", "one"]),
    ],
)
async def test_filters(
    cloud: Cloud, clock: ManualClock, text: str, expected: list[str]
) -> None:
    for name, labels in (("one", {"team": "a"}), ("two", {"team": "b"}), ("three", {})):
        await cloud.create(displayName=name, labels=labels)
        clock.advance(0.6)

    assert await cloud.listed(filter=text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "display_name",
        "display_name=",
        "display_name=AND",
        '="x"',
        "AND",
        'displayName="x"',
        'name="x"',
        'display_name<"x"',
        'display_name="x',
        'display_name="x")',
        '(display_name="x"',
        'labels.a:"x"',
        "labels.a>1",
        "state=RUNNING",
        "state:JOB_STATE_RUNNING",
        'create_time:"2026-07-01T00:00:00Z"',
        'create_time>"yesterday"',
        'create_time>"2026-07-01T00:00:00"',
        'model_display_name:"x*"',
        "(" * 60 + "state=JOB_STATE_FAILED" + ")" * 60,
    ],
)
async def test_filters_that_are_none(cloud: Cloud, text: str) -> None:
    from urllib.parse import quote

    answer = await cloud.call("GET", f"{JOBS}?filter={quote(text)}")

    assert answer.status == 400
    assert "Invalid filter" in answer.message
