from authflow.pool.peer_address import asked_from, peer_address


def test_the_address_is_known_while_a_request_is_served_and_no_longer():
    assert peer_address() is None
    with asked_from("192.0.2.1"):
        assert peer_address() == "192.0.2.1"
        with asked_from(""):
            assert peer_address() is None
        assert peer_address() == "192.0.2.1"
    assert peer_address() is None
