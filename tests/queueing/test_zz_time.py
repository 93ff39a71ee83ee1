import cProfile, pstats, time, json, pytest
from django.core.management import call_command
from queueing import waits
@pytest.mark.django_db
def test_time(monkeypatch, capsys):
    if not hasattr(waits,'sweep'):
        monkeypatch.setattr(waits,'sweep',lambda **k: None, raising=False)
        monkeypatch.setattr(waits,'next_due',lambda *a, **k: None, raising=False)
    p=cProfile.Profile()
    t=time.time()
    import sys
    if '--prof' in sys.argv or True:
        p.enable()
    call_command('replay','/work/main/tests/data/month-end-day.csv.gz','--roster','/work/main/tests/data/roster.json')
    p.disable()
    out=capsys.readouterr()
    with capsys.disabled():
        print(out.out); print(time.time()-t)
        pstats.Stats(p).sort_stats('cumtime').print_stats(45)
