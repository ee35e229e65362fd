"""`leeboard why`: a decision, an alert or a version told from its evidence."""

from collections.abc import Iterator

import click

from connectors.client import wire
from connectors.client.calls import Span
from controlplane.cli import completing, render
from controlplane.cli.groups import examples
from controlplane.cli.terminal import LARGEST_PAGE, Terminal, cannot, nearest, talks
from controlplane.cli.why import sheets
from controlplane.cli.why.book import Book, book_of
from controlplane.cli.why.story import Chapter, Story
from controlplane.cli.why.subject import Subject, subject_of


@click.command("why", epilog=examples(
    "leeboard why bike-demand/v7        how a version came to serve, and how it ended",
    "leeboard why d_4618024cd26fc951    what a decision rests on, and what came of it",
    "leeboard why a_5e69                the beginning of an id is enough",
    "leeboard why t_25eddcbac39161e2 --json",
))  # fmt: skip
@click.argument("id_", metavar="ID", shell_complete=completing.anything)
@talks
def why(terminal: Terminal, id_: str) -> None:
    """Tell from its evidence why something was decided and what came of it.

    ID is a version (MODEL/v7), a decision (d_…), an alert (a_…), a run (r_…), a trial (t_…) or a
    window (w_…). Times are model time, in UTC.
    """
    subject = subject_of(terminal, id_)
    # What the server does not know by this name is mended with the nearest one.
    click.get_current_context().params["model"] = subject.model
    story = story_of(terminal, subject, book_of(terminal, subject.model))
    terminal.answer(story, told(story))


def story_of(terminal: Terminal, subject: Subject, book: Book) -> Story:
    """The story of a subject, out of the model's book."""
    ask = terminal.connection

    def windows(name: str) -> tuple[wire.Window, wire.WindowFindings]:
        window, _, revision = name.partition("/")
        number = int(revision) if revision.isdigit() else None
        return ask.window(window), ask.findings(window, revision=number)

    match subject.kind:
        case "decision":
            return sheets.of_decision(book, ask.decision(subject.id), windows)
        case "alert":
            sent = ask.every(ask.deliveries, Span(limit=LARGEST_PAGE))
            own = [delivery for delivery in sent if delivery.alert == subject.id]
            return sheets.of_alert(book, ask.alert(subject.id), own, windows)
        case "run":
            return sheets.of_run(book, ask.run(subject.id))
        case "trial":
            return sheets.of_trial(book, ask.trial(subject.id))
        case "window":
            return sheets.of_window(book, subject.id, windows)
        case _:
            return sheets.of_version(book, _version(book, subject), windows)


def told(story: Story) -> Iterator[str]:
    """A story in a terminal."""
    yield render.heading(f"{story.id}  {story.says}")
    yield from render.fields(story.facts.items())
    for chapter in story.chapters:
        yield ""
        at = f"{render.when(chapter.at)}  " if chapter.at else ""
        yield f"{at}{render.heading(chapter.title)}"
        for sentence in chapter.says:
            yield from render.wrapped(sentence)
        if ids := _unsaid(chapter):
            yield from render.wrapped(click.style(ids, dim=True))
    if story.next:
        yield ""
        yield render.heading("Read on")
        yield from (f"  {line}" for line in story.next)


def _unsaid(chapter: Chapter) -> str:
    """The ids that no sentence of the chapter names."""
    text = " ".join([chapter.title, *chapter.says])
    return ", ".join(
        f"{name} {id_}"
        for name, id_ in chapter.ids.items()
        if id_ not in text and name != "operator"
    )


def _version(book: Book, subject: Subject) -> wire.Version:
    found = book.version(subject.id)
    if found is None:
        names = [version.version for version in book.versions]
        hint = nearest(subject.id, names)
        cannot(f"{subject.model} has no version {subject.id!r}{hint}; "
               f"`leeboard versions {subject.model}` lists them")  # fmt: skip
    return found
