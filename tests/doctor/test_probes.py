"""signet doctor as an attacker: a clean installation withstands, leaves nothing, and each weakness is named."""

import time
from provider.doctor.attack.examination import ATTACK, attack
from provider.doctor.attack.probe import PROBES
from provider.doctor.examination import Case
from tests.support.doctor import FakeTransport

def test_clean(case: Case) -> None:
    began = time.process_time()
    for each in attack(case, PROBES):
        print(each.severity, each.id, each.what)
    print(time.process_time() - began, len(case.transport.asked))
