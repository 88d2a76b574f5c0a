"""pdns-stickyd(8), DIAGNOSTICS, has every sentence in which `status` says what is wrong with sharing."""

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
