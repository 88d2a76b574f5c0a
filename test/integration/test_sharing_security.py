"""What a name server's nats-server lets the others do, with pdns-conf/nats.conf: read its log, hear
its beats and ask it.  And what it refuses to them and to everybody else.

The others are played by nats.py, which keeps to no client library's manners.
"""

import contextlib
import json
import time

import pytest

from nats import Nats, Refused
from nats_server import NatsServer, make_identities, sign_identity
from processes import REPOSITORY, run, workspace as new_workspace

LOG, BEAT, WALK = "sticky.log", "sticky.beat", "sticky.walk"
API = "$JS.API."
READ = API + "CONSUMER.CREATE.STICKY"
INFO = API + "STREAM.INFO.STICKY"

# As pdns-stickyd makes it.
STREAM = {
    "name": "STICKY", "subjects": [LOG], "storage": "file", "retention": "limits",
    "discard": "old", "num_replicas": 1, "max_age": 3600 * 10**9, "max_bytes": 256 << 20,
}  # fmt: skip

# What JetStream's API would take, too: a peer that could use it as a request would need no more.
BATCHES = [json.dumps({"kind": "batch", "number": number}).encode() for number in range(1, 4)]


class Site:
    """A name server ns1 with its log of three batches, and who else is around.

    owner     a connection of ns1 itself
    known     ns2, whom the configuration names, and so is `third`, ns3
    stranger  has a certificate of the same CA, but is not named
    impostor  has one of another CA, with the name of ns2
    """

    def __init__(self, directory):
        self.directory = directory
        names = ("ns1", "ns2", "ns3", "ns9")
        made = make_identities(directory / "ca", *names)
        self.identity, self.known, self.third, self.stranger = made
        self.other_ca, self.impostor = make_identities(directory / "other-ca", "ns1", "ns2")
        self.server = NatsServer(directory / "nats", identity=self.identity, peers=["ns2", "ns3"])

    @contextlib.contextmanager
    def running(self):
        with self.server, self.connect(self.identity) as self.owner:
            made = self.owner.request(API + "STREAM.CREATE.STICKY", STREAM)
            assert "error" not in made, made
            for batch in BATCHES:
                self.append(batch)
            yield self

    def connect(self, certificate, ca=None):
        return Nats(self.server.port, ca=ca or self.identity.ca, certificate=certificate)

    def append(self, batch):
        assert "error" not in self.owner.request(LOG, batch)

    def log(self):
        """What tells whether anybody has touched the log: settings, and first and last message."""
        found = self.owner.request(INFO)
        state = found["state"]
        return found["config"], state["messages"], state["first_seq"], state["last_seq"]

    def read(self, client, subject, **more):
        """Has the log sent to a subject, from its beginning.  What the server says to it."""
        consumer = {"deliver_subject": subject, "deliver_policy": "all", "ack_policy": "none"}
        return client.request(READ, {"stream_name": "STICKY", "config": {**consumer, **more}})


@pytest.fixture(scope="module")
def site():
    with new_workspace() as directory, Site(directory).running() as running:
        yield running


@pytest.fixture
def peer(site):
    """A connection of ns2 for one test, after which the log is as it was."""
    before = site.log()
    with site.connect(site.known) as client:
        yield client
    assert site.log() == before


# ---------------------------------------------------------------- what a peer needs


def test_a_peer_knows_the_bounds_of_the_log(peer):
    state = peer.request(INFO)["state"]
    assert state["first_seq"] == 1 and state["last_seq"] >= len(BATCHES)


def test_a_peer_reads_the_log(site, peer):
    peer.subscribe("_INBOX.log")
    site.read(peer, "_INBOX.log", flow_control=True, idle_heartbeat=10**9)
    assert [peer.next(LOG).data for _ in BATCHES] == BATCHES


def test_a_peer_answers_flow_control(site, peer):
    peer.publish("$JS.FC.STICKY.consumer.token")
    peer.flush()
    assert not peer.errors


def test_a_peer_hears_beats(site, peer):
    peer.subscribe(BEAT)
    peer.flush()
    site.owner.publish(BEAT, b"I am here")
    assert peer.next(BEAT).data == b"I am here"


def test_a_peer_asks_and_is_answered(site, peer):
    peer.subscribe("_INBOX.answer")
    with site.connect(site.identity) as owner:
        owner.subscribe(WALK)
        owner.flush()
        peer.publish(WALK, b"what is there?", "_INBOX.answer")
        question = owner.next(WALK)
        owner.publish(question.reply, b"this")
        assert (question.data, peer.next("_INBOX.answer").data) == (b"what is there?", b"this")
        owner.flush()
        assert not owner.errors


# ---------------------------------------------------------------- what a peer may not do

FORBIDDEN_TO_PUBLISH = (
    LOG, BEAT, "sticky.other", "sticky", "other", "_INBOX.ns3",
    API + "INFO",
    API + "STREAM.CREATE.STICKY", API + "STREAM.UPDATE.STICKY", API + "STREAM.DELETE.STICKY",
    API + "STREAM.PURGE.STICKY", API + "STREAM.MSG.DELETE.STICKY", API + "STREAM.MSG.GET.STICKY",
    API + "STREAM.SNAPSHOT.STICKY", API + "STREAM.RESTORE.STICKY", API + "STREAM.LIST",
    API + "STREAM.NAMES", API + "STREAM.LEADER.STEPDOWN.STICKY", API + "STREAM.PEER.REMOVE.STICKY",
    API + "STREAM.CREATE.OTHER", API + "STREAM.INFO.OTHER", API + "STREAM.DELETE.OTHER",
    API + "DIRECT.GET.STICKY",
    API + "CONSUMER.CREATE.OTHER", API + "CONSUMER.CREATE.STICKY.name",
    API + "CONSUMER.CREATE.STICKY.name.sticky.log", API + "CONSUMER.DURABLE.CREATE.STICKY.name",
    API + "CONSUMER.DELETE.STICKY.name", API + "CONSUMER.INFO.STICKY.name",
    API + "CONSUMER.LIST.STICKY", API + "CONSUMER.NAMES.STICKY",
    API + "CONSUMER.MSG.NEXT.STICKY.name", API + "CONSUMER.LEADER.STEPDOWN.STICKY.name",
    "$JS.ACK.STICKY.name.1.1.1.1.0", "$JS.FC.OTHER.name.token",
    "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.HOME.CONNZ", "$SYS.REQ.SERVER.X.RELOAD",
)  # fmt: skip


@pytest.mark.parametrize("subject", FORBIDDEN_TO_PUBLISH)
def test_a_peer_may_not_publish(peer, subject):
    peer.publish(subject, b"{}", "_INBOX.reply")
    peer.flush()
    assert [error.split(" to ")[0] for error in peer.errors] == [
        "'Permissions Violation for Publish"
    ]


FORBIDDEN_TO_SUBSCRIBE = (
    LOG, WALK, "sticky.>", "sticky.*", "*.beat", ">", "*", "*.>", "other", "_R_.>",
    "$JS.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>", "$JS.EVENT.>", "$SYS.>", "$SYS.ACCOUNT.HOME.>",
)  # fmt: skip


@pytest.mark.parametrize("subject", FORBIDDEN_TO_SUBSCRIBE)
def test_a_peer_may_not_subscribe_to(peer, subject):
    peer.subscribe(subject)
    peer.flush()
    assert [error.split(" to ")[0] for error in peer.errors] == [
        "'Permissions Violation for Subscription"
    ]


# ---------------------------------------------------------------- detours


@pytest.mark.parametrize("subject", (LOG, BEAT, "_INBOX.ns3", API + "STREAM.PURGE.STICKY"))
@pytest.mark.parametrize("question", (INFO, READ))
def test_no_reply_of_the_server_reaches_another_account(site, peer, question, subject):
    """Within one account, replies went into the log."""
    with site.connect(site.third) as third:
        third.subscribe(BEAT)
        third.subscribe("_INBOX.>")
        third.flush()
        peer.publish(question, b"{}", subject)
        peer.request(INFO)  # later in the same queue
        site.owner.publish(BEAT, b"a beat")
        assert third.next(BEAT).data == b"a beat" and not third.waiting()


def test_no_answer_of_the_owner_goes_where_a_peer_may_not_publish(site, peer):
    with site.connect(site.identity) as owner:
        owner.subscribe(WALK)
        owner.flush()
        peer.publish(WALK, b"?", LOG)
        owner.publish(owner.next(WALK).reply, b"an answer that is no batch")
        owner.flush()
        owner.request(INFO)


def test_the_log_is_not_delivered_into_itself(site, peer):
    assert "cycle" in site.read(peer, LOG)["error"]["description"]


@pytest.mark.parametrize(
    "request_", ("PURGE.STICKY", "DELETE.STICKY", "MSG.DELETE.STICKY", "UPDATE.STICKY")
)
def test_the_log_is_not_taken_as_requests(site, request_):
    """A consumer may deliver to any subject; JetStream heeds no request without its client."""
    with site.connect(site.known) as peer:
        before = site.log()
        site.read(peer, f"{API}STREAM.{request_}")
        last = b'{"last for": "%s"}' % request_.encode()
        site.append(last)
        peer.subscribe("_INBOX.all")
        site.read(peer, "_INBOX.all")
        while peer.next(LOG).data != last:  # the other consumer has had the time for it as well
            pass
        after = site.log()
        assert (after[0], after[2]) == (before[0], before[2]) and after[3] == before[3] + 1


def test_a_peer_cannot_make_a_consumer_that_stays(site, peer):
    assert "error" in site.read(peer, "_INBOX.durable", durable_name="stays")


# ---------------------------------------------------------------- who is not let in


def refusal(site, **options):
    with pytest.raises(Refused) as refused:
        Nats(site.server.port, **options)
    return str(refused.value)


def test_without_tls_nobody_is_let_in(site):
    refusal(site)


def test_without_a_certificate_nobody_is_let_in(site):
    refusal(site, ca=site.identity.ca)


def test_a_certificate_of_another_authority_is_refused(site):
    assert site.impostor.name == "ns2"
    refusal(site, ca=site.identity.ca, certificate=site.impostor)


def test_a_name_that_is_not_in_the_configuration_is_refused(site):
    assert "Authorization" in refusal(site, ca=site.identity.ca, certificate=site.stranger)


def test_the_name_of_another_among_the_dns_names_is_no_user(site):
    (disguised,) = make_identities(site.identity.ca.parent, "ns8", more=("ns2", "CN.ns2"))
    assert "Authorization" in refusal(site, ca=site.identity.ca, certificate=disguised)


# What certificates of our own authority are taken for that make-certificates would not make, and why
# nobody else may have it sign any: the last CN counts, and so does any other name that reads like a
# user.
REFUSED, PEER, OWNER = "refused", "ns2, a peer", "ns1, the owner"
OTHER_CERTIFICATES = (
    ("/O=x/CN=ns2", None, REFUSED),
    ("/CN=ns2/O=x", None, REFUSED),
    ("/CN=ns2+O=x", None, REFUSED),
    ("/CN=ns2/CN=ns9", None, REFUSED),
    ("/CN=NS1", None, REFUSED),
    ("/CN=ns1 ", None, REFUSED),
    ("/CN=CN\\=ns1", None, REFUSED),
    ("/O=ns1", None, REFUSED),
    ("/CN=ns9", "DNS:ns1", REFUSED),
    ("/CN=ns9/CN=ns2", None, PEER),
    ("/CN=ns1/CN=ns2", None, PEER),
    ("/UID=ns1/CN=ns2", None, PEER),
    ("/DC=org/CN=ns2", None, PEER),
    ("/CN=ns2/emailAddress=CN=ns1", None, PEER),
    ("/CN=ns2/CN=ns1", None, OWNER),
    ("/CN=ns9", "DNS:CN=ns1", OWNER),
    ("/CN=ns9", "URI:CN=ns1", OWNER),
    ("/CN=ns9", "email:CN=ns1", OWNER),
)


def taken_for(site, certificate):
    try:
        client = site.connect(certificate)
    except Refused as refused:
        assert "Authorization" in str(refused)
        return REFUSED
    with client:
        client.publish(BEAT, b"{}")
        client.publish(INFO, b"", "_INBOX.info")
        client.flush()
        return PEER if client.errors else OWNER


@pytest.mark.parametrize("subject, alternatives, expected", OTHER_CERTIFICATES)
def test_what_other_certificates_of_our_authority_are_taken_for(
    site, subject, alternatives, expected
):
    before = site.log()
    certificate = sign_identity(site.identity.ca.parent, "other", subject, alternatives)
    assert taken_for(site, certificate) == expected
    assert site.log() == before


ONE_ACCOUNT = """
accounts { HOME: { users: [{ user: "CN=ns1" }] } }
system_account: HOME
"""


def without_accounts(text, instead=""):
    """Our settings for connections, TLS and the store alone."""
    settings, ours, _ = text.partition("\n# This server's own pdns-stickyd:")
    assert ours
    return settings + instead


@pytest.mark.parametrize("change, is_let_in", (
    (lambda text: text, False),
    (lambda text: text.replace("verify_and_map", "verify"), False),
    (lambda text: without_accounts(text).replace("verify_and_map", "verify"), True),
    (lambda text: without_accounts(text), True),
    (lambda text: without_accounts(text, ONE_ACCOUNT).replace("verify_and_map", "verify"), True),
    (lambda text: without_accounts(text, ONE_ACCOUNT), False),
), ids=("ours", "verify", "no accounts, verify", "no accounts", "one account, verify",
        "one account"))  # fmt: skip
def test_nobody_is_let_into_a_default_account(site, workspace, change, is_let_in):
    """Two walls: an account beside the system account, and verify_and_map, with which nobody comes in
    without a user.  Without both, whoever has a certificate is in (CVE-2023-47090).
    """
    server = NatsServer(workspace / "nats", identity=site.identity, peers=["ns2"])
    server.configuration.write_text(change(server.configuration.read_text()))
    with server:
        if is_let_in:
            with Nats(server.port, ca=site.identity.ca, certificate=site.stranger) as client:
                client.publish("$JS.API.STREAM.DELETE.STICKY")
                client.flush()
                assert not client.errors
        else:
            with pytest.raises(Refused):
                Nats(server.port, ca=site.identity.ca, certificate=site.stranger)


def test_a_server_of_another_authority_is_refused_by_clients(site):
    assert "certificate" in refusal(site, ca=site.other_ca.ca, certificate=site.known)


# ---------------------------------------------------------------- scripts/make-certificates


def test_no_certificate_is_valid_for_longer_than_its_authority(workspace):
    """Made with the authority, and once more when that has only some days left."""
    script, directory = REPOSITORY / "scripts" / "make-certificates", workspace / "ca"
    for _ in range(2):
        made = run(["env", "CA_DAYS=20", script, directory, "ns1"])
        assert made.returncode == 0, made.stderr
        assert "before that, move ca.crt and ca.key away" in made.stdout
        for file in ("ca.crt", "ns1.crt"):
            for days, valid in ((18, True), (21, False)):
                done = run(["openssl", "x509", "-in", directory / file, "-noout",
                            "-checkend", str(days * 86400)])
                assert (done.returncode == 0) == valid, (file, days)
    (directory / "ca.crt").unlink()
    made = run(["env", "CA_DAYS=1", script, directory, "ns1"])  # its last day, or second
    assert made.returncode == 0 or "has ended or ends today" in made.stderr
    time.sleep(1.1)
    made = run([script, directory, "ns1"])
    assert made.returncode == 1 and "has ended or ends today" in made.stderr


def test_certificates_are_renewed_by_the_same_authority(site, workspace):
    (first,) = make_identities(workspace / "ca", "ns1")
    before = {path.name: path.read_bytes() for path in first.ca.parent.iterdir()}
    make_identities(workspace / "ca", "ns1", "ns2")
    after = {path.name: path.read_bytes() for path in first.ca.parent.iterdir()}
    assert sorted(after) == ["ca.crt", "ca.key", "ns1.crt", "ns1.key", "ns2.crt", "ns2.key"]
    assert after["ca.crt"] == before["ca.crt"] and after["ns1.crt"] != before["ns1.crt"]


def test_keys_are_for_their_owner_alone(site):
    for path in site.identity.key.parent.glob("*.key"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("name", (
    "", "-x", "a b", "a/b", "../x", "ca", "x" * 65, "a\nb",
    "ns2=CN=ns1", "ns2=192.0.2.1,CN=ns1", "ns2=a;b", "ns2=URI:CN=ns1", "ns2=*",
))
def test_names_that_no_certificate_can_have_are_refused(workspace, name):
    made = run([REPOSITORY / "scripts" / "make-certificates", workspace / "ca", name])
    assert made.returncode != 0 and not (workspace / "ca").exists()
