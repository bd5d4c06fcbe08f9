"""What people see of a stage, and how it ends. No result depends on it."""
