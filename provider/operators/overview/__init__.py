"""The numbers and the state of the installation that operators see first: charts, usage of applications, health."""
