"""Stories of notices: who was told, when, and what followed where nothing arrived."""

from collections.abc import Callable

import pytest
from helpers.noticed import EIGHT, MANAGERS, NIGHT, Noticed
from helpers.postgres import postgres, ready_desk, ready_url

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.duty import Target, TargetKind
from fleet.faults import Level
from fleet.notices import Message, NotDelivered, Proof, Receipt
from fleet.outbox import NoticeState, Wishes
from fleet.tellings import Occasion
from storage.records.database import DeskDatabase
from storage.records.destinations import destinations
from storage.records.events import events_after

__all__ = ["postgres", "ready_desk", "ready_url"]
FIRING, RESOLVED = Occasion.FIRING, Occasion.RESOLVED


@pytest.fixture
def room(ready_desk: DeskDatabase) -> Noticed:
    return Noticed(ready_desk)


def down(_message: Message) -> Receipt:
    raise NotDelivered("connection refused", again=True)


def refused(_message: Message) -> Receipt:
    raise NotDelivered("robot 310000: keywords not in content", again=False)


def gone(_message: Message) -> Receipt:
    raise NotDelivered("HTTP 410: gone", again=False, gone=True)


def test_an_event_that_is_handled_twice_is_one_notice(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    room.tell(FIRING, MANAGERS)
    room._cursor -= 1
    room.follow()
    assert room.send() == 1
    assert [to for _, to, _ in room.mail.taken] == ["ada@x.example"]


def test_a_message_says_what_where_and_since_when_in_the_persons_language(room: Noticed) -> None:
    ada, li = room.person("mail:ada@x.example"), room.person("mail:li@x.example", wishes=Wishes("zh"))
    room.duty.on[MANAGERS] = (ada, li)
    room.tell(FIRING, MANAGERS)
    room.send()
    english, chinese = (message for _, _, message in room.mail.taken)
    assert english.title == "[L1] Brush jamming – hall"
    assert "Device: R1" in english.text
    assert "2026-06-17 08:00 (UTC)" in english.text
    assert chinese.title.startswith("[L1] ")
    assert "设备：R1" in chinese.text
    assert english.link is not None and english.link.startswith("https://console.example/n/")
    assert english.link != chinese.link


def test_who_named_no_destination_is_told_by_the_mail_they_sign_in_with(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person(email="bo@x.example"),)
    room.tell(FIRING, MANAGERS)
    room.send()
    assert [to for _, to, _ in room.mail.taken] == ["bo@x.example"]


def test_a_person_without_any_channel_is_seen_and_the_next_step_comes_at_once(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person(email="demo@sweepwatch.invalid"),)
    room.tell(FIRING, MANAGERS)
    (notice,) = room.notices()
    assert (notice.state, notice.reason) == (NoticeState.DEAD, "no_channel")
    assert room.unreached() == [("no_channel", 0)]


def test_with_nobody_on_call_it_waits_for_the_next_shift_and_says_so(room: Noticed) -> None:
    room.duty.gap_until = EIGHT + 3 * HOUR_MS
    room.tell(FIRING, NIGHT)
    assert [(each.recipient, each.state) for each in room.notices()] == [
        ("schedule:night", NoticeState.NOBODY)
    ]
    assert room.unreached() == [("nobody_on_call", 0)]
    room.duty.on[NIGHT] = (room.person("mail:ada@x.example"),)
    room.pass_time(2 * HOUR_MS, step=HOUR_MS)
    assert not room.mail.taken
    room.pass_time(HOUR_MS, step=HOUR_MS)
    assert room.titles() == ["[L1] Brush jamming – hall"]


def test_what_waited_for_a_shift_and_is_over_is_told_to_nobody(room: Noticed) -> None:
    room.duty.gap_until = EIGHT + HOUR_MS
    room.tell(FIRING, NIGHT)
    room.became("resolved")
    room.duty.on[NIGHT] = (room.person("mail:ada@x.example"),)
    room.pass_time(2 * HOUR_MS, step=HOUR_MS)
    assert not room.mail.taken


def test_every_firing_that_was_sent_is_followed_by_its_end_to_the_same_people(room: Noticed) -> None:
    ada = room.person("mail:ada@x.example")
    room.duty.on[MANAGERS] = (ada,)
    room.tell(FIRING, MANAGERS)
    room.send()
    room.duty.on[MANAGERS] = (room.person("mail:bo@x.example"),)
    room.became("resolved")
    room.tell(RESOLVED)
    room.send()
    assert [(to, message.title) for _, to, message in room.mail.taken] == [
        ("ada@x.example", "[L1] Brush jamming – hall"),
        ("ada@x.example", "Over: Brush jamming – hall"),
    ]


def test_who_heard_of_it_in_a_list_alone_hears_of_its_end_too(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    room.tell(Occasion.STILL_OPEN, MANAGERS, alert="7", lists=("7", "8"))
    room.send()
    room.became("resolved", alert="8")
    room.tell(RESOLVED, alert="8")
    room.send()
    assert room.titles()[1] == "Over: Brush jamming – hall"
    room.became("resolved", alert="9")
    room.tell(RESOLVED, alert="9")
    assert room.send() == 0


def test_what_was_told_and_is_over_before_anybody_followed_is_not_told(room: Noticed) -> None:
    wishes = Wishes(zone="UTC", quiet_from=7 * 60, quiet_to=12 * 60)
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example", wishes=wishes),)
    with room.asleep():
        room.tell(FIRING, MANAGERS, level=Level.L3)
        room.tell(Occasion.STILL_OPEN, MANAGERS, alert="8", lists=("8", "9"), level=Level.L3)
        for alert in ("7", "8", "9", "10"):
            room.became("resolved", alert=alert)
    assert [(each.state, each.reason) for each in room.notices()] == [
        (NoticeState.DROPPED, "resolved_before_sent")
    ]
    room.pass_time(5 * HOUR_MS, step=HOUR_MS)
    assert not room.mail.taken


def test_what_was_held_in_quiet_hours_and_is_over_is_not_told_at_all(room: Noticed) -> None:
    wishes = Wishes(zone="UTC", quiet_from=7 * 60, quiet_to=12 * 60)
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example", wishes=wishes),)
    room.tell(FIRING, MANAGERS, level=Level.L3)
    room.became("resolved")
    room.tell(RESOLVED, level=Level.L3)
    room.pass_time(5 * HOUR_MS, step=HOUR_MS)
    assert not room.mail.taken
    assert [each.reason for each in room.notices()] == ["resolved_before_sent"]


def test_acknowledged_before_it_went_out_it_does_not_go_out(room: Noticed) -> None:
    wishes = Wishes(zone="UTC", quiet_from=7 * 60, quiet_to=12 * 60)
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example", wishes=wishes),)
    room.tell(FIRING, MANAGERS, level=Level.L3)
    room.became("acknowledged")
    room.pass_time(5 * HOUR_MS, step=HOUR_MS)
    assert not room.mail.taken


def test_what_was_held_comes_as_one_digest_when_quiet_hours_end(room: Noticed) -> None:
    wishes = Wishes(zone="UTC", quiet_from=7 * 60, quiet_to=12 * 60)
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example", wishes=wishes),)
    for number in range(5):
        room.tell(FIRING, MANAGERS, alert=str(number), level=Level.L3)
    room.pass_time(5 * HOUR_MS, step=HOUR_MS)
    (message,) = (message for _, _, message in room.mail.taken)
    assert message.title == "5 notices, the worst L3"
    assert message.text.count("- [L3] Brush jamming – hall") == 5
    assert {each.state for number in range(5) for each in room.notices(str(number))} == {NoticeState.SENT}


def test_a_channel_that_is_down_for_an_hour_loses_nothing_and_then_tells_it_in_one(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    room.mail.answer = down
    for number in range(10):
        room.tell(FIRING, MANAGERS, alert=str(number))
    room.pass_time(HOUR_MS)
    assert not room.mail.taken
    assert {each.trouble for each in room.notices("0")} == {"connection refused"}
    room.mail.answer = None
    room.pass_time(6 * MINUTE_MS)
    assert room.titles() == ["10 notices, the worst L1"]
    assert ("unproven", 0) in room.unreached()


def test_what_a_provider_says_of_one_message_holds_for_all_that_go_there(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    asked: list[int] = []

    def busy(_message: Message) -> Receipt:
        asked.append(room.clock.ms)
        raise NotDelivered("HTTP 429: slow down", again=True, after_s=600)

    room.mail.answer = busy
    for alert in "789":
        room.tell(FIRING, MANAGERS, alert=alert, level=Level.L3)
        room.pass_time(2 * MINUTE_MS)
    assert len(asked) == 1, "nobody asks a provider that wants to be left alone"
    room.mail.answer = None
    room.pass_time(5 * MINUTE_MS)
    assert len(room.mail.taken) == 3
    assert min(at for at, _, _ in room.mail.taken) == asked[0] + 10 * MINUTE_MS


def test_what_was_held_and_is_muted_by_then_waits_for_the_end_of_the_mute(room: Noticed) -> None:
    wishes = Wishes(zone="UTC", quiet_from=7 * 60, quiet_to=10 * 60)
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example", wishes=wishes),)
    for alert, device in (("7", "R1"), ("8", "R2")):
        room.in_care(alert, device)
        room.tell(FIRING, MANAGERS, alert=alert, level=Level.L3)
    room.mute(HOUR_MS, 4 * HOUR_MS, device="R1")
    room.pass_time(3 * HOUR_MS, step=MINUTE_MS)
    assert len(room.mail.taken) == 1, "of the other, when the quiet hours end"
    assert [each.reason for each in room.notices()] == ["muted_by:1"]
    room.pass_time(HOUR_MS, step=MINUTE_MS)
    assert [at for at, _, _ in room.mail.taken[1:]] == [EIGHT + 4 * HOUR_MS]


def test_what_stays_unproven_goes_the_persons_next_way_and_then_to_the_next_step(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("dingtalk:robot", "mail:ada@x.example"),)
    room.robot.answer = lambda _message: Receipt(Proof.HANDED_OVER)
    room.tell(FIRING, MANAGERS)
    room.send()
    room.pass_time(MINUTE_MS)
    assert not room.mail.taken
    room.pass_time(2 * MINUTE_MS)
    assert len(room.mail.taken) == 1
    assert room.unreached() == []
    assert room.notices()[1].reason == f"fallback_from:{room.notices()[0].id}"


def test_an_address_that_is_nobodys_any_more_ends_and_the_person_is_told_another_way(room: Noticed) -> None:
    ada = room.person("dingtalk:browser", "mail:ada@x.example")
    room.duty.on[MANAGERS] = (ada,)
    room.robot.answer = gone
    room.tell(FIRING, MANAGERS)
    room.tell(FIRING, MANAGERS, alert="8")
    room.pass_time(MINUTE_MS)
    assert len(room.robot.taken) == 0
    assert [each.trouble for each in room.notices("8")] == ["the destination has ended", None]
    assert [to for _, to, _ in room.mail.taken] == ["ada@x.example"] * 2
    with room.desk.transaction() as session:
        ended, mail = destinations(session, ada)
        log = [each for each in events_after(session, 0, 1000) if each.what == "ended"]
    assert (ended.ended_at, ended.trouble) == (EIGHT + MINUTE_MS // 2, "HTTP 410: gone")
    assert mail.ended_at is None
    assert [(each.subject, each.subject_id) for each in log] == [("destination", str(ended.id))]
    room.tell(FIRING, MANAGERS, alert="9")
    assert [each.destination_id for each in room.notices("9")] == [mail.id], "it is not asked again"


def test_a_provider_that_refuses_for_good_leaves_a_dead_letter_and_the_next_step(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("dingtalk:robot"),)
    room.robot.answer = refused
    room.tell(FIRING, MANAGERS, step=1)
    room.pass_time(MINUTE_MS)
    (notice,) = room.notices()
    assert (notice.state, notice.trouble) == (NoticeState.DEAD, "robot 310000: keywords not in content")
    assert room.unreached() == [("undelivered", 1)]


def test_one_of_two_who_was_reached_is_enough_for_the_step(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("dingtalk:robot"), room.person("mail:ada@x.example"))
    room.robot.answer = refused
    room.tell(FIRING, MANAGERS)
    room.pass_time(20 * MINUTE_MS)
    assert room.unreached() == []


def test_of_two_processes_one_sends(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    room.tell(FIRING, MANAGERS)
    ((destination, _),) = room.sender().due()
    second = room.sender("two")

    def meanwhile(_message: Message) -> Receipt:
        assert second.send_to(destination) == 0
        return Receipt(Proof.ACCEPTED)

    room.mail.answer = meanwhile
    assert room.sender("one").send_to(destination) == 1
    assert len(room.mail.taken) == 1


class Died(BaseException):
    """Stands for SIGKILL: nothing of the process runs any more."""


def dies_after_taking(taken: list[str]) -> Callable[[Message], Receipt]:
    def die(message: Message) -> Receipt:
        taken.append(message.key)
        raise Died

    return die


@pytest.mark.parametrize("waiting", [1, 4])
def test_after_a_death_between_hand_over_and_note_it_goes_out_again_under_the_same_key(
    room: Noticed, waiting: int
) -> None:
    """Though so many wait by then that all would go out as one digest."""
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    for number in range(waiting):
        room.tell(FIRING, MANAGERS, alert=str(number))
    taken: list[str] = []
    room.mail.answer = dies_after_taking(taken)
    with pytest.raises(Died):
        room.send()
    room.mail.answer = None
    for number in range(4, 8):
        room.tell(FIRING, MANAGERS, alert=str(number))
    assert room.send() == 0, "its lease holds"
    room.pass_time(3 * MINUTE_MS)
    keys = [message.key for _, _, message in room.mail.taken]
    assert keys[0] == taken[0] and len(keys) == 2, "what may have arrived again, and the others as a digest"


def test_what_a_provider_surely_did_not_take_joins_the_digest_of_what_came_meanwhile(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    room.mail.answer = down
    for number in range(6):
        room.tell(FIRING, MANAGERS, alert=str(number))
        room.send()
    room.mail.answer = None
    room.pass_time(10 * MINUTE_MS)
    (message,) = [message for _, _, message in room.mail.taken]
    assert message.title.startswith("6 ")


def test_nobody_is_told_of_what_could_not_go_out_for_a_day(room: Noticed) -> None:
    room.duty.on[MANAGERS] = (room.person("mail:ada@x.example"),)
    room.mail.answer = down
    room.tell(FIRING, MANAGERS)
    room.pass_time(DAY_MS + HOUR_MS, step=10 * MINUTE_MS)
    room.mail.answer = None
    room.pass_time(HOUR_MS)
    assert not room.mail.taken
    assert [(each.state, each.reason) for each in room.notices()] == [(NoticeState.DEAD, "too_old")]


def test_a_group_gets_a_link_that_is_of_nobody(room: Noticed) -> None:
    group = room.group("dingtalk:robot")
    room.tell(FIRING, Target(TargetKind.DESTINATION, str(group)))
    room.send()
    ((_, _, message),) = room.robot.taken
    assert message.link == "https://console.example/alerts/7"
