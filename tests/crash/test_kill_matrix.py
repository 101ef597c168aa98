def test_count(site):
    said = site.drive(verb="run", count=True)
    print(said)
    assert said.code == 0
