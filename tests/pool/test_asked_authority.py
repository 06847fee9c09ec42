from authflow.pool.asked_authority import asked_at, asked_authority


def test_the_name_is_known_while_a_request_is_served_and_no_longer():
    assert asked_authority() == "localhost"
    with asked_at("pool.example:9229"):
        assert asked_authority() == "pool.example:9229"
        with asked_at("[::1]:80"):
            assert asked_authority() == "[::1]:80"
        assert asked_authority() == "pool.example:9229"
    assert asked_authority() == "localhost"
