"""The report says of everybody what became of them, in data and in words."""

from __future__ import annotations

import json

import pytest

from iotapretrain.arena.demo.expectations import judge
from iotapretrain.arena.demo.report import document, markdown
from tests.arena.demo.facts import GOOD, spoilt


def test_everybody_is_in_the_report_with_a_reason() -> None:
    report = document(GOOD, judge(GOOD), 120.0)
    miners = {each["name"]: each for each in report["miners"]}
    assert report["held"]
    assert miners["alice"]["why"] == "won rounds: 1 of 2 by vera, 1 of 2 by victor"
    assert miners["copycat"]["why"] == "because of copy"
    assert miners["alice"]["share"] == pytest.approx(0.6)
    assert [each["audit"] for each in report["validators"]][:2] == ["holds", "holds"]
    assert "5babbler" in report["validators"][2]["audit"]
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_a_failed_expectation_is_named() -> None:
    facts = spoilt(chain_problem="record 7 does not hold")
    report = document(facts, judge(facts), 1.0)
    text = markdown(report)
    assert not report["held"]
    assert "| the chain holds | **no** | record 7 does not hold |" in text
    assert "Not every expectation held" in text


def test_a_network_without_rounds_has_a_report_too() -> None:
    facts = spoilt(rounds={}, emission={"alice": 0}, audits=())
    report = document(facts, judge(facts), 1.0)
    assert report["champion_loss"] is None
    assert report["miners"][0]["why"] == "no verdict yet"
    assert "alice" in markdown(report)
