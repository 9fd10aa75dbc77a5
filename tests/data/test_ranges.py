from __future__ import annotations

import pytest

from iotapretrain.data.ranges import HttpFile, PagePatience, Stamp
from iotapretrain.errors import ChangedSourceError, UnavailableSourceError
from tests.data.conftest import Watch
from tests.data.web import Fault, Web

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def file(web: Web, patience: PagePatience) -> HttpFile:
    web.files["set/file"] = CONTENT
    return HttpFile("web-set", f"{web.url}/set/file", patience)


def stamp_of(file: HttpFile) -> Stamp:
    return file.tail(8, file.patience.deadline())[1]


def read(file: HttpFile, start: int, stop: int, stamp: Stamp | None = None) -> bytes:
    return file.read(start, stop, stamp or stamp_of(file), file.patience.deadline())


def test_reads_the_tail_and_ranges_and_no_more(file: HttpFile, web: Web) -> None:
    tail, stamp = file.tail(100, file.patience.deadline())
    assert tail == CONTENT[-100:]
    assert stamp.size == len(CONTENT)
    assert read(file, 10, 500, stamp) == CONTENT[10:500]
    assert web.sent == 100 + 490


def test_a_tail_longer_than_the_file_is_the_file(file: HttpFile) -> None:
    assert file.tail(10**6, file.patience.deadline())[0] == CONTENT


PASSING = {
    "429": Fault(status=429, headers={"Retry-After": "7"}),
    "500": Fault(status=500),
    "502": Fault(status=502),
    "503": Fault(status=503),
    "cut in the middle": Fault(cut=0.5),
    "cut before the first byte": Fault(cut=0.0),
    "silent": Fault(silence=1.0),
    "slow": Fault(drip=0.05),
    "another range": Fault(shift=1),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_changes_nothing(file: HttpFile, web: Web, fault: Fault) -> None:
    stamp = stamp_of(file)
    web.faults.extend([fault, fault])
    assert read(file, 100, 300, stamp) == CONTENT[100:300]
    assert len(web.requests) == 4


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_stays_ends_in_unavailable(
    file: HttpFile, web: Web, watch: Watch, fault: Fault
) -> None:
    stamp = stamp_of(file)
    web.always = fault
    with pytest.raises(UnavailableSourceError, match=r"^web-set: http.*gave up after 4 attempts"):
        read(file, 100, 300, stamp)
    assert len(watch.pauses) == 3


def test_retry_after_is_obeyed(file: HttpFile, web: Web, watch: Watch) -> None:
    stamp = stamp_of(file)
    web.faults.append(PASSING["429"])
    read(file, 0, 10, stamp)
    assert len(watch.pauses) == 1
    assert 7.25 <= watch.pauses[0] <= 7.5


REFUSING = {
    "401": (Fault(status=401), "HF_TOKEN"),
    "403": (Fault(status=403), "HF_TOKEN"),
    "404": (Fault(status=404), "not there"),
    "410": (Fault(status=410), "not there"),
    "no ranges": (Fault(whole=True), "range requests"),
    "400": (Fault(status=400), "HTTP 400"),
}


@pytest.mark.parametrize(("fault", "sentence"), REFUSING.values(), ids=REFUSING)
def test_a_refusal_is_not_asked_again(
    file: HttpFile, web: Web, watch: Watch, fault: Fault, sentence: str
) -> None:
    stamp = stamp_of(file)
    web.always = fault
    with pytest.raises(UnavailableSourceError, match=sentence):
        read(file, 100, 300, stamp)
    assert watch.pauses == []


@pytest.mark.parametrize(
    "fault", [Fault(etag='"another"'), Fault(status=412), Fault(status=416)], ids=repr
)
def test_another_file_in_its_place_is_noticed(file: HttpFile, web: Web, fault: Fault) -> None:
    stamp = stamp_of(file)
    web.always = fault
    with pytest.raises(ChangedSourceError, match="no longer the file"):
        read(file, 100, 300, stamp)


def test_another_size_is_noticed(file: HttpFile, web: Web) -> None:
    stamp = stamp_of(file)
    web.files["set/file"] = CONTENT + b"more"
    with pytest.raises(ChangedSourceError):
        read(file, 100, 300, stamp)


def test_a_server_that_is_not_there(web: Web, patience: PagePatience) -> None:
    gone = HttpFile("web-set", "http://127.0.0.1:9/file", patience)
    with pytest.raises(UnavailableSourceError, match="ConnectError"):
        stamp_of(gone)


def test_redirects_are_followed_and_keys_stay_at_home(web: Web, patience: PagePatience) -> None:
    web.files["there"] = CONTENT
    web.redirects["/here"] = f"{web.url.replace('127.0.0.1', 'localhost')}/there"
    headers = {"Authorization": "Bearer secret"}
    file = HttpFile("hub", f"{web.url}/here", patience, headers)
    assert read(file, 5, 10) == CONTENT[5:10]
    sent = {
        path: headers.get("authorization", headers.get("Authorization"))
        for path, headers in web.requests
    }
    assert sent == {"/here": "Bearer secret", "/there": None}


def test_a_page_deadline_ends_all_attempts(file: HttpFile, web: Web, watch: Watch) -> None:
    stamp = stamp_of(file)
    web.always = Fault(status=503)
    deadline = file.patience.deadline()
    watch.skipped += 59.9
    with pytest.raises(UnavailableSourceError):
        file.read(0, 10, stamp, deadline)
    assert deadline.left() > 0 or not watch.pauses
