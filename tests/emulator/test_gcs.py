"""Cloud Storage as the emulator has it: objects read, listed and deleted."""

import base64
import hashlib
import json

import pytest

from gemini_batch.testing import Emulator, Fault, ManualClock
from gemini_batch.testing.emulator.google_cloud.crc32c import crc32c
from tests.emulator.cloud import BUCKET, TOKEN, Cloud, object_path
from tests.emulator.service import RECORDED, recorded, shape

TEXT = b"0123456789" * 10


def put(emulator: Emulator, *names: str, data: bytes = TEXT) -> None:
    for name in names:
        emulator.objects.put(f"gs://{BUCKET}/{name}", data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_is_castagnolis(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
    for cut in range(len(data)):
        assert crc32c(data[cut:], crc32c(data[:cut])) == expected


async def test_a_record_looks_like_the_recorded_one(
    cloud: Cloud, emulator: Emulator
) -> None:
    put(emulator, "in/input.jsonl")

    answer = await cloud.call("GET", object_path("in/input.jsonl"))

    assert shape(answer.json) == shape(recorded("gcs/object.json"))
    assert answer.json["size"] == "100"
    assert answer.json["md5Hash"] == base64.b64encode(hashlib.md5(TEXT).digest()).decode()
    assert (
        answer.json["crc32c"] == base64.b64encode(crc32c(TEXT).to_bytes(4, "big")).decode()
    )
    assert answer.json["selfLink"].endswith("/o/in%2Finput.jsonl")


async def test_errors_look_like_the_recorded_ones(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "here")

    missing = await cloud.call("GET", object_path("out/x.jsonl"))
    taken = await cloud.start("here", ifGenerationMatch=0)
    nowhere = await cloud.call("GET", "/storage/v1/b/nobody/o")

    sample = (RECORDED / "gcs/error-404.json").read_text().replace("my-bucket", BUCKET)
    assert missing.status == 404
    assert missing.json == json.loads(sample)
    assert taken.status == 412
    assert taken.json == recorded("gcs/error-412.json")
    assert nowhere.status == 404
    assert nowhere.message == "The specified bucket does not exist."


async def test_media_says_what_is_wrong_in_plain_text(cloud: Cloud) -> None:
    answer = await cloud.read("nothing")

    assert answer.status == 404
    assert answer.body == f"No such object: {BUCKET}/nothing".encode()
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_slash_has_to_be_encoded(
    cloud: Cloud, emulator: Emulator, method: str
) -> None:
    put(emulator, "a/b")

    answer = await cloud.call(method, f"/storage/v1/b/{BUCKET}/o/a/b")

    assert answer.status == 404


async def test_odd_names_are_names(cloud: Cloud, emulator: Emulator) -> None:
    names = ["a b", "a%2Fb", "ü/?#&=+", "2026-07-01T12:00:01.8Z/x", "o/o/o"]
    put(emulator, *names)

    for name in names:
        assert (await cloud.call("GET", object_path(name))).json["name"] == name
    listed = (await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o")).json["items"]
    assert {item["name"] for item in listed} == set(names)


@pytest.mark.parametrize(
    ("span", "expected", "told"),
    [
        ("bytes=10-", TEXT[10:], "bytes 10-99/100"),
        ("bytes=0-9", TEXT[:10], "bytes 0-9/100"),
        ("bytes=95-1000", TEXT[95:], "bytes 95-99/100"),
        ("bytes=-5", TEXT[-5:], "bytes 95-99/100"),
    ],
)
async def test_ranges(
    cloud: Cloud, emulator: Emulator, span: str, expected: bytes, told: str
) -> None:
    put(emulator, "x")
    answer = await cloud.read("x", Range=span)
    sample = recorded("gcs/media-range.exchange.json")["response"]

    assert answer.status == 206 == sample["status"]
    assert answer.body == expected
    assert answer.headers["Content-Range"] == told
    assert all(name in answer.headers for name in sample["headers"])
    assert answer.headers["X-Goog-Hash"].startswith("crc32c=")


async def test_a_range_past_the_end_is_refused(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "x")

    answer = await cloud.read("x", Range="bytes=100-")

    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */100"


async def test_the_download_path_works_too(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "x")
    link = (await cloud.call("GET", object_path("x"))).json["mediaLink"]

    assert (await cloud.call("GET", link)).body == TEXT


async def test_a_generation_is_gone_once_it_is_replaced(
    cloud: Cloud, emulator: Emulator
) -> None:
    put(emulator, "x")
    first = (await cloud.call("GET", object_path("x"))).json["generation"]
    put(emulator, "x", data=b"other")
    second = (await cloud.call("GET", object_path("x"))).json["generation"]

    assert int(second) > int(first)
    assert (await cloud.read("x", f"&generation={first}")).status == 404
    assert (await cloud.read("x", f"&generation={second}")).body == b"other"
    assert (await cloud.read("x", f"&ifGenerationMatch={first}")).status == 412
    assert (await cloud.read("x", f"&ifGenerationNotMatch={second}")).status == 412
    assert (await cloud.read("x", f"&ifGenerationNotMatch={first}")).status == 200


async def test_a_generation_is_a_number(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "x")

    answer = await cloud.call("GET", f"{object_path('x')}?generation=-1")

    assert answer.status == 400
    assert answer.json["error"]["errors"][0]["reason"] == "invalid"


async def test_a_fault_replaces_an_object_between_two_reads(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    put(emulator, "x")
    known = (await cloud.call("GET", object_path("x"))).json
    emulator.faults.append(Fault.object_changed(skip=1))
    pinned = f"&generation={known['generation']}"

    answers = [await cloud.read("x", pinned, Range=f"bytes={n}-") for n in (0, 50)]
    fresh = (await cloud.call("GET", object_path("x"))).json

    assert [answer.status for answer in answers] == [206, 404]
    assert fresh["generation"] != known["generation"]
    assert fresh["crc32c"] == known["crc32c"]
    assert (await cloud.read("x")).body == TEXT


async def test_deleted_objects_are_gone(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "x", "y")
    path = emulator.objects[f"gs://{BUCKET}/x"].path

    wrong = await cloud.call("DELETE", f"{object_path('x')}?ifGenerationMatch=1")
    answer = await cloud.call("DELETE", object_path("x"))
    again = await cloud.call("DELETE", object_path("x"))

    assert wrong.status == 412
    assert (answer.status, answer.body) == (204, b"")
    assert again.status == 404
    assert list(emulator.objects) == [f"gs://{BUCKET}/y"]
    assert not path.exists()


async def _list(cloud: Cloud, query: str) -> tuple[list[str], list[str], str]:
    answer = await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o?{query}")
    assert answer.status == 200, answer.body
    value = answer.json
    assert value["kind"] == "storage#objects"
    names = [item["name"] for item in value.get("items", ())]
    return names, value.get("prefixes", []), value.get("nextPageToken", "")


async def test_lists(cloud: Cloud, emulator: Emulator) -> None:
    empty = await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o")
    put(emulator, "out/a/1", "out/a/2", "out/b/1", "out/c", "outer", "z")

    assert empty.json == recorded("gcs/list-empty.response.json")
    assert (await _list(cloud, "prefix=out%2Fa%2F"))[0] == ["out/a/1", "out/a/2"]
    assert await _list(cloud, "prefix=out%2F&delimiter=%2F") == (
        ["out/c"],
        ["out/a/", "out/b/"],
        "",
    )
    assert (await _list(cloud, "startOffset=outer"))[0] == ["outer", "z"]
    assert (await _list(cloud, "endOffset=out%2Fb"))[0] == ["out/a/1", "out/a/2"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("folded", ["", "&delimiter=%2F"])
async def test_pages_hold_everything_once(
    cloud: Cloud, emulator: Emulator, size: int, folded: str
) -> None:
    put(emulator, "a/1", "a/2", "b", "c/1", "d", "e/1/2")
    whole_names, whole_prefixes, _ = await _list(cloud, folded)

    names, prefixes, token, pages = list[str](), list[str](), "", 0
    while token or not pages:
        found = await _list(cloud, f"maxResults={size}&pageToken={token}{folded}")
        assert len(found[0]) + len(found[1]) <= size
        names += found[0]
        prefixes += found[1]
        token = found[2].replace("=", "%3D").replace("+", "%2B")
        pages += 1

    assert (names, prefixes) == (whole_names, whole_prefixes)


async def test_an_answer_may_be_asked_for_in_part(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "a", "b")
    path = f"/storage/v1/b/{BUCKET}/o"

    async def asked(fields: str, path: str = path) -> object:
        return (await cloud.call("GET", f"{path}?maxResults=1&fields={fields}")).json

    assert await asked("items(name,size)") == {"items": [{"name": "a", "size": "100"}]}
    assert await asked("items/name,kind") == {
        "items": [{"name": "a"}],
        "kind": "storage#objects",
    }
    assert "nextPageToken" in (await asked("nextPageToken"))  # type: ignore[operator]
    assert "md5Hash" in (await asked("items(*)"))["items"][0]  # type: ignore[index]
    one = await cloud.call("GET", f"{object_path('a')}?fields=name,bucket")
    assert one.json == {"name": "a", "bucket": BUCKET}


@pytest.mark.parametrize(
    "fields",
    [
        *("items(", "items(name", "items)", "kind,,items", "items/", "/kind", "kind items"),
        *("(kind)", "items(" * 30, "kind)items", "items(names)", "size"),
    ],
)
async def test_a_part_that_makes_no_sense(cloud: Cloud, fields: str) -> None:
    path = f"/storage/v1/b/{BUCKET}/o?fields={fields.replace(' ', '%20')}"

    assert (await cloud.call("GET", path)).status == 400


async def test_an_empty_page_leads_on(cloud: Cloud, emulator: Emulator) -> None:
    put(emulator, "a", "b")
    emulator.faults.append(Fault(path="*/o", empty_page=True, times=2))
    tokens, names = [""], list[str]()
    for _ in range(3):
        query = f"maxResults=1&pageToken={tokens[-1].replace('=', '%3D')}"
        page, _, token = await _list(cloud, query)
        names += page
        tokens.append(token)

    assert names == ["a"]
    assert len(set(tokens)) == 4
    assert (await _list(cloud, f"pageToken={tokens[-1].replace('=', '%3D')}"))[0] == ["b"]


@pytest.mark.parametrize("query", ["pageToken=bm8", "pageToken=x", "maxResults=-1", "x=y"])
async def test_a_list_refuses_nonsense(cloud: Cloud, query: str) -> None:
    answer = await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o?{query}")

    assert answer.status == 400


async def test_buckets(cloud: Cloud) -> None:
    path = "/storage/v1/b?project=emulator-project"
    made = await cloud.call("POST", path, json={"name": "new-one"})
    again = await cloud.call("POST", path, json={"name": "new-one"})
    nameless = await cloud.call("POST", path, json={})
    odd = await cloud.call("POST", path, json={"name": "x", "nonsense": 1})
    got = await cloud.call("GET", "/storage/v1/b/new-one")

    assert made.json["name"] == got.json["name"] == "new-one"
    assert [a.status for a in (again, nameless, odd)] == [409, 400, 400]
    assert (await cloud.call("GET", "/storage/v1/b/none")).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/storage/v1/b/{BUCKET}/o"),
        ("GET", object_path("x")),
        ("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=x"),
        ("GET", "/v1/projects/emulator-project/locations/us-central1/batchPredictionJobs"),
        ("GET", "/bigquery/v2/projects/emulator-project/datasets/d/tables/t"),
    ],
)
async def test_nothing_goes_without_a_good_token(
    cloud: Cloud, emulator: Emulator, method: str, path: str
) -> None:
    key = {"x-goog-api-key": "emulator-key"}
    none = await cloud.call(method, path, token=key)
    wrong = await cloud.call(method, path, token={"Authorization": "Bearer no"})
    basic = await cloud.call(method, path, token={"Authorization": "Basic no"})

    assert [answer.status for answer in (none, wrong, basic)] == [401] * 3
    assert all("WWW-Authenticate" in a.headers for a in (none, wrong, basic))
    assert not any("authorization" in entry.headers for entry in emulator.log)


async def test_an_expired_token_has_to_be_refreshed(
    cloud: Cloud, emulator: Emulator
) -> None:
    credentials = emulator.vertex.credentials
    emulator.expire_token()
    headers: dict[str, str] = {}
    credentials.before_request(None, "GET", "https://x", headers)
    old = await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o", token=headers)
    credentials.refresh(None)
    credentials.apply(headers)
    new = await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o", token=headers)

    assert (old.status, new.status) == (401, 200)
    assert headers["authorization"] == "Bearer emulator-token-2"
    assert credentials.refreshes == 1
    assert credentials.valid
    assert not credentials.expired
    assert "token-2" not in repr(credentials)


async def test_credentials_without_a_token_fetch_one(emulator: Emulator) -> None:
    credentials = emulator.vertex.credentials
    credentials.token = None
    headers: dict[str, str] = {}

    credentials.before_request(None, "GET", "https://x", headers)

    assert headers == {k.lower(): v for k, v in TOKEN.items()}


async def test_a_fault_lets_a_token_expire_once(cloud: Cloud, emulator: Emulator) -> None:
    emulator.faults.append(Fault.expired_token(path="/storage/*"))
    answers = [await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o") for _ in range(2)]

    assert [answer.status for answer in answers] == [401, 200]
    assert answers[0].json["error"]["errors"][0]["reason"] == "authError"
    assert "invalid_token" in answers[0].headers["WWW-Authenticate"]


async def test_objects_are_looked_at_by_uri(emulator: Emulator) -> None:
    put(emulator, "x")

    assert emulator.objects[f"gs://{BUCKET}/x"].read() == TEXT
    assert len(emulator.objects) == 1
    assert "no uri" not in emulator.objects
    assert f"gs://{BUCKET}/y" not in emulator.objects


async def test_vertex_has_an_address_while_it_runs() -> None:
    with pytest.raises(RuntimeError, match="only inside its"):
        _ = Emulator().vertex
