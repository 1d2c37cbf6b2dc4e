"""What a new submission does to the state of a return, for every state there is."""

from __future__ import annotations

import pytest

from census_api.domain.errors import Conflict
from census_api.domain.returns import RETURN_STATES, ReturnState, state_after_submission

CLOSED = {"accepted", "declined", "withdrawn"}


@pytest.mark.parametrize("state", RETURN_STATES)
def test_every_state_moves_or_refuses(state: ReturnState) -> None:
    if state in CLOSED:
        with pytest.raises(Conflict, match="reopen"):
            state_after_submission(state)
    else:
        assert state_after_submission(state) == ("signed_off" if state == "signed_off" else "in_progress")
