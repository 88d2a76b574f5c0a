"""What all integration tests share: the program, and databases to serve."""

import contextlib
import functools
import os
import time

import pytest

import processes
from cluster import Cluster
from coprocess import Coprocess
from database import SAMPLE, Database
from faults import Crowd
from targets import Certificates
from zones import overlay

# Whoever supervises the tests does not wait for the servers that they start.
os.environ.pop("NOTIFY_SOCKET", None)

pytest_plugins = ("alone", "schema")  # for test_powerdns_*.py and test_schema_*.py


@pytest.fixture(scope="session")
def backend():
    """Path of the program under test."""
    return processes.backend_path()


@pytest.fixture
def workspace():
    """A directory of the unprivileged user."""
    with processes.workspace() as directory:
        yield directory


@pytest.fixture
def empty_database(workspace):
    """A database as the schema alone makes it."""
    return Database.create(workspace, name="empty.sqlite")


@pytest.fixture
def sample_database(workspace):
    """The schema filled with test/sample.sql; sample.py has what is in it."""
    return Database.create(workspace, SAMPLE, name="sample.sqlite")


@pytest.fixture(params=(0, 1), ids=("alone", "shared"))
def either_database(sample_database, request):
    """sample_database: nothing is shared, and in a second run of the test mappings are, with nobody
    who takes what has to be handed over."""
    sample_database.sql(f"UPDATE share SET node = {request.param};")
    return sample_database


@pytest.fixture
def served(sample_database):
    """A coprocess on the sample, and the database."""
    with Coprocess(sample_database.path) as coprocess:
        yield coprocess, sample_database


@pytest.fixture
def pair(sample_database):
    """Two coprocesses on the example with a few mappings, as a crowd."""
    with Coprocess(sample_database.path) as first, Coprocess(sample_database.path) as second:
        crowd = Crowd(sample_database, first, second)
        crowd.ask(300)
        yield crowd


def _sharing(workspace, count):
    with Cluster(workspace, count) as cluster:
        cluster.wait_until_heard()
        yield cluster


@pytest.fixture
def two(workspace):
    """Two name servers that share their mappings."""
    yield from _sharing(workspace, 2)


@pytest.fixture
def three(workspace):
    """Three of them."""
    yield from _sharing(workspace, 3)


@pytest.fixture
def seed():
    """Of what a test does by chance.  It is printed, and PDNS_STICKY_SEED repeats it."""
    seed = int(os.environ.get("PDNS_STICKY_SEED") or time.time())
    print(f"PDNS_STICKY_SEED={seed}")
    return seed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows the end of the log of each server it used."""
    report = (yield).get_result()
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if hasattr(value, "log_tail"):
                with contextlib.suppress(FileNotFoundError):  # it has never begun to run
                    report.sections.append((f"log of the server `{name}`", value.log_tail()))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """For targets of TLS; made once."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=["overlay-gsqlite3", "overlay-remote-gsqlite3"])
def start_overlay(request):
    """Starts a server with a coprocess or the service; all tests with one, then with the other."""
    return functools.partial(overlay, f"{request.param}.conf")
