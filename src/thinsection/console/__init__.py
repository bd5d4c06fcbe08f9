"""Progress, live curves and exit of a stage. No result depends on this room."""
