"""Where what is measured is going."""

from dthostmon.trends.forecast import Forecast, Sample, time_to_full

__all__ = ["Forecast", "Sample", "time_to_full"]
