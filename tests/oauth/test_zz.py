import pytest, os
from tests.oauth.test_round_trips import *  # noqa
from tests.support.statements import recorded
del test_no_operation_waits_for_the_database_more_often_than_it_did
def test_x(app, installation, network):
    ops = prepare(app, installation, times=TIMES)
    for i in range(4):
        b=network.round_trips
        with recorded(installation.database.engine) as t:
            ops["account page"]()
        print(network.round_trips-b, len(t))
    open(os.environ["OUT"],"w").write("\n".join(x.replace("\n"," ")[:150] for x in t))
