"""Tokens and certificates that change while it runs."""

from fake.certificates import Authority
from fake.kuberequest import asks
from rig import SERVICE

SERVICES = SERVICE[0]


def begin_with_token_file(rig):
    rig.fake.token = "first"
    (rig.dir / "token").write_text("first\n")
    rig.begin({"tokenFile": "token"})


def test_token_file_is_read_again(rig):
    """After a 401, not a minute later."""
    begin_with_token_file(rig)
    held = rig.held()
    rig.fake.token = "second"
    (rig.dir / "token").write_text("second\n")
    rig.fake.watch(SERVICES).end()
    assert rig.until_reads(2, SERVICES) == [("watch", held), ("stream", held)]
    rig.until_watching()
    rig.drift_is_repaired()
    assert not rig.others(SERVICES)


def test_token_file_that_is_late(rig):
    """The server rejects the old token before the new one is there: nothing is given up."""
    begin_with_token_file(rig)
    rig.fake.token = "second"
    rig.server.close_connections()
    rig.until("it is rejected", lambda: len(rig.reads(SERVICES)) >= 2)
    (rig.dir / "token").write_text("second\n")
    rig.drift()
    rig.until_repaired()
    rig.until_watching()
    rig.drift_is_repaired()


def test_write_with_the_old_token(rig):
    begin_with_token_file(rig)
    rig.fake.token = "second"
    (rig.dir / "token").write_text("second\n")
    rig.drift()
    rig.until_repaired()
    rejected, accepted = rig.requests(asks("patch", SERVICES))
    assert rejected.headers["authorization"] == "Bearer first"
    assert accepted.headers["authorization"] == "Bearer second"
    rig.drift_is_repaired()


def test_token_file_that_is_empty_for_a_moment(rig):
    """The token that was there stays."""
    begin_with_token_file(rig)
    (rig.dir / "token").write_text("")
    rig.fake.token = "second"
    rig.server.close_connections()
    rig.until("it is rejected", lambda: rig.reads(SERVICES))
    rig.fake.token = "first"
    rig.until_watching()
    rig.drift_is_repaired()


def test_authority_changes(rig):
    """The server has a certificate of another CA; the file follows, in two steps.

    A client that trusted what is half written would trust nobody or the wrong one.
    """
    rig.begin()
    other = Authority("next-ca")
    rig.server.set_certificate(other.issue("127.0.0.1"))
    rig.server.close_connections()
    rig.drift()
    rig.until("it is not trusted", lambda: rig.server.handshake_failures >= 2)
    assert not rig.requests()
    (rig.dir / "ca.pem").write_text(other.pem[:len(other.pem) // 2])
    failures = rig.server.handshake_failures
    rig.until("it is not trusted", lambda: rig.server.handshake_failures >= failures + 3)
    (rig.dir / "ca.pem").write_text(other.pem)
    rig.until_repaired()
    rig.until_watching()
    rig.drift_is_repaired()


def test_certificate_changes(rig):
    """Of the same CA: nothing to do but to connect again."""
    rig.begin()
    held = rig.held()
    rig.server.set_certificate(rig.server.authority.issue("127.0.0.1"))
    rig.server.close_connections("orderly")
    rig.until_reads(1, SERVICES)
    rig.until_watching()
    rig.drift_is_repaired()
    assert rig.reads(SERVICES) == [("watch", held)]


def test_stranger_is_never_trusted(rig):
    """Somebody else at the address: no request reaches them, and no token."""
    rig.begin()
    stranger = Authority("stranger")
    rig.server.set_certificate(stranger.issue("127.0.0.1"))
    rig.server.close_connections()
    rig.until("it is refused", lambda: rig.server.handshake_failures >= 3)
    assert not rig.requests()
    rig.server.set_certificate(rig.server.authority.issue("127.0.0.1"))
    rig.until_watching()
    rig.drift_is_repaired()
