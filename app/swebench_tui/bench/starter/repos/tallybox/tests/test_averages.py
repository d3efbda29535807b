from tallybox import mean, spread


def test_the_mean_of_some_numbers():
    assert mean([1, 2, 6]) == 3.0


def test_the_spread_of_some_numbers():
    assert spread([4, 1, 9]) == 8


def test_the_spread_of_nothing():
    assert spread([]) == 0.0
