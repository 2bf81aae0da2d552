"""Commands for files: upload, get, list, delete, download."""

from contextlib import aclosing

from cyclopts import App

from gemini_batch import File, TransferProgress
from gemini_batch.cli.connect import connect
from gemini_batch.cli.display import text
from gemini_batch.cli.display.json import file_json
from gemini_batch.cli.display.progress_bars import transfer
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.display.table import Column, print_table
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.cli.options import (
    COMMON,
    Common,
    Limit,
    Output,
)
from gemini_batch.cli.output_file import check_target, open_output
from gemini_batch.cli.uris import check_local

_COLUMNS = (
    Column("File", whole=True),
    Column("Size", right=True, whole=True),
    Column("State", whole=True, drop=1),
    Column("Expires", whole=True, drop=2),
    Column("Name", drop=3),
)

files = App(
    name="files",
    help="Upload input, manage files, download results. Uploads are kept 48 hours. "
    "Not for Vertex AI: its requests and results are in Cloud Storage and BigQuery.",
)


@files.command
async def upload(
    path: str,
    /,
    *,
    display_name: str | None = None,
    mime_type: str | None = None,
    name: str | None = None,
    common: Common = COMMON,
) -> ExitCode:
    """Upload a file; a broken connection continues where it stopped.

    Parameters
    ----------
    path
        The local file.
    display_name
        Name shown in lists; the last part of the path if left out.
    mime_type
        Guessed from the file extension if left out.
    name
        files/… of your choice: up to 40 lower-case letters, digits and dashes.
    """
    screen = Screen(as_json=common.json)
    check_local(path)
    async with connect(common, screen) as connection:
        with transfer(screen, "uploading") as on_progress:
            file = await connection.client.files.upload(
                path,
                display_name=display_name,
                mime_type=mime_type,
                name=name,
                on_progress=on_progress,
            )
    if screen.as_json:
        screen.document(file_json(file))
    else:
        screen.line(text.clean(file.name))
    return ExitCode.OK


@files.command
async def get(name: str, /, *, common: Common = COMMON) -> ExitCode:
    """Show one file.

    Parameters
    ----------
    name
        files/… or its bare ID.
    """
    screen = Screen(as_json=common.json)
    async with connect(common, screen) as connection:
        file = await connection.client.files.get(name)
    if screen.as_json:
        screen.document(file_json(file))
        return ExitCode.OK
    facts = {
        "name": file.name,
        "display name": file.display_name or "",
        "state": file.state.lower(),
        "error": "" if file.error is None else str(file.error),
        "size": text.size(file.size_bytes),
        "type": file.mime_type or "",
        "source": file.source.lower(),
        "sha256": file.sha256 or "",
        "created": text.moment(file.create_time),
        "expires": text.moment(file.expiration_time),
    }
    screen.facts(facts)
    return ExitCode.OK


@files.command(name="list")
async def list_(*, limit: Limit = 50, common: Common = COMMON) -> ExitCode:
    """List the project's files.

    Parameters
    ----------
    limit
        Number of files to show at most; 0 shows all.
    """
    screen = Screen(as_json=common.json)
    shown: list[File] = []
    more = False
    async with (
        connect(common, screen) as connection,
        aclosing(connection.client.files.list_all()) as found,
    ):
        async for file in found:
            more = bool(limit) and len(shown) == limit
            if more:
                break
            shown.append(file)
    if screen.as_json:
        screen.document({"files": [file_json(file) for file in shown], "more": more})
        return ExitCode.OK
    if not shown:
        screen.remark("There are no files.")
        return ExitCode.OK
    print_table(screen.out, _COLUMNS, [_cells(file) for file in shown])
    if more:
        screen.remark(f"There are more: --limit 0 shows all, --limit N more than {limit}.")
    return ExitCode.OK


def _cells(file: File) -> list[str]:
    return [
        file.name,
        text.size(file.size_bytes),
        file.state.lower(),
        text.ahead(file.expiration_time),
        file.display_name or "",
    ]


@files.command
async def delete(name: str, /, *, common: Common = COMMON) -> ExitCode:
    """Delete a file. Result files cannot be deleted; they expire.

    Parameters
    ----------
    name
        files/… or its bare ID.
    """
    screen = Screen(as_json=common.json)
    async with connect(common, screen) as connection:
        await connection.client.files.delete(name)
    if screen.as_json:
        screen.document({"file": name, "deleted": True})
    else:
        screen.line(f"deleted {text.clean(name)}")
    return ExitCode.OK


@files.command
async def download(
    name: str, /, *, output: Output = None, common: Common = COMMON
) -> ExitCode:
    """Download a file that the service generated; uploads cannot be downloaded.

    Parameters
    ----------
    name
        files/… or its bare ID.
    output
        File to write, whole or not at all; - is stdout. Left out: the ID with .jsonl.
    """
    screen = Screen(as_json=common.json)
    target = f"{name.rpartition('/')[2]}.jsonl" if output is None else output
    check_target(target)
    async with connect(common, screen) as connection:
        opened = connection.client.files.open_download(name)
        with transfer(screen, "downloading") as on_progress:
            async with opened as pieces, open_output(target) as sink:
                async for piece in pieces:
                    await sink.add(piece)
                    on_progress(TransferProgress(done=pieces.offset, total=pieces.total))
    done = pieces.offset
    if target == "-":
        return ExitCode.OK
    if screen.as_json:
        screen.document({"file": name, "output": target, "size_bytes": done})
    else:
        screen.line(f"{text.clean(target)}  {text.size(done)}")
    return ExitCode.OK
