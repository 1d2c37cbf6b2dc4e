"""The synthetic population behind the demonstration: invented organisations whose totals are the published ones."""
