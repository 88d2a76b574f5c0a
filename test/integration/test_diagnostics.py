"""The sections DIAGNOSTICS of the manuals: pdns-stickyd(8) has every sentence in which `status` says
what is wrong with sharing, pdns-sticky(1) those that are logged when mappings are not kept."""

import re

import pytest

from processes import REPOSITORY

BACKEND = REPOSITORY / "backend"
STRING = r'"(?:[^"\\]|\\.)*"'
LITERAL = rf"({STRING}(?:{STRING}|PRI\w+|\s)*)"

# These take any words: those of the other sentences, or of nats-server.
FRAMES = {"peer %s: %s", "nats-server: %s", "sharing: %s", "%.255s", "%s: %s"}
WORDS_OF_NATS_SERVER = {"nats-server: JetStream: ... no space left on device",
                        "nats-server: Permissions Violation"}


def source(path, function=None):
    """A source, or one function of it."""
    text = (BACKEND / path).read_text()
    if not function:
        return text
    (body,) = re.findall(rf"^\w[^\n;]*\b{function}\([^;{{]*\)\n{{\n.*?^}}", text,
                         re.DOTALL | re.MULTILINE)
    return body


def literals(text, call):
    """The formats of calls, each as one line, with %s and the like."""
    for found in re.findall(call + LITERAL, text):
        yield re.sub(r'"\s*"', "", re.sub(r'"\s*PRI[dux]64\s*"', "d", found)).strip().strip('"')


def sentences():
    """What may be said: {sentence: where it is from}, with %d for what changes."""
    added = r"problems_add\(\s*problems,\s*"
    printed = r"snprintf\([^\"]*?,\s*"
    either = r"[?:]\s*"
    found = {}
    for path, function, call, frame in (
        ("program/command/status_sharing.c", None, added, ""),
        ("program/sharing/feed.c", "describe_problem", printed, "peer %s: "),
        ("program/sharing/sharer.c", "count_readers", printed, "sharing: "),
        ("share/certificate.c", None, printed, "sharing: "),
        ("share/transport_state.c", "transport_replied", either, "nats-server: "),
    ):
        for literal in literals(source(path, function), call):
            if literal not in FRAMES:
                found[frame + literal] = path
    return found


def described():
    """The sentences of the manual, in which ... stands for what changes or goes on."""
    page = (BACKEND / "pdns-stickyd.8").read_text()
    section = page.partition("What is wrong with sharing")[2].partition("\n.Sh ")[0]
    for entry in re.findall(r"^\.It Li (.*)", section, re.MULTILINE):
        yield from (text.replace(" : ", ": ").removesuffix(": ...").removesuffix(" ...")
                    for text in entry.split(" , "))


def describes(entry, sentence):
    """Whether the entry is how the sentence begins."""
    said = re.sub(r"%[-+.\d]*(z?u|d|s)", "X", sentence.replace("%s%s", ""))
    return re.match(re.escape(entry).replace(r"\.\.\.", ".*"), said)


SENTENCES = sentences()


def test_the_sources_have_as_many_sentences_as_they_seem_to():
    """So that none escapes because it is written in another way."""
    counts = {path: list(SENTENCES.values()).count(path) for path in SENTENCES.values()}
    assert counts == {"program/command/status_sharing.c": 17, "program/sharing/feed.c": 4,
                      "program/sharing/sharer.c": 2, "share/certificate.c": 6,
                      "share/transport_state.c": 2}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_sentence_is_described(sentence):
    assert any(describes(entry, sentence) for entry in described()), sentence


def test_nothing_is_described_that_is_not_said():
    for entry in described():
        said = any(describes(entry, sentence) for sentence in SENTENCES)
        assert said or entry in WORDS_OF_NATS_SERVER, entry


# ---------------------------------------------------------------- pdns-sticky(1)


# Where it is said why a mapping is not kept or cannot be found.
SPEAKERS = (
    "store/claims/claims_file.c",
    "store/limits.c",
    "store/maintenance/key_check.c",
    "store/maintenance/maintenance.c",
    "store/maintenance/writer.c",
    "store/mappings.c",
    "store/store.c",
)

# SQLite adds why, or the words say all.
SELF_EVIDENT = {
    "a mapping cannot be read",
    "is not open",
    "mappings cannot be read",
    "out of memory",
    "pools cannot be read",
}


def logged(path):
    """How each sentence in the string literals of a source begins, up to its first mark or value."""
    code = (REPOSITORY / "backend" / path).read_text()
    code = re.sub(r"/\*.*?\*/|^#include.*?$|^_Static_assert.*?;", "", code, flags=re.M | re.S)
    joined = re.sub(r'"\n\s*"', "", code)
    for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', joined):
        parts = [part.strip(" :") for part in re.split(r"%[a-z]+|[,;]", literal)]
        if " " in literal.strip() and any(parts):
            yield next(filter(None, parts))


def explained():
    """That section, without its macros."""
    page = (REPOSITORY / "backend/pdns-sticky.1").read_text()
    (section,) = re.findall(r"^\.Sh DIAGNOSTICS\n(.*?)^\.Sh ", page, re.M | re.S)
    return re.sub(r"^\.(?:It Li|Ql) ", "", section, flags=re.M).replace("\n", " ")


@pytest.mark.parametrize("path", SPEAKERS)
def test_the_manual_explains_why_a_mapping_is_not_kept(path):
    found = set(logged(path)) - SELF_EVIDENT
    assert found
    missing = [sentence for sentence in found if sentence not in explained()]
    assert missing == []
