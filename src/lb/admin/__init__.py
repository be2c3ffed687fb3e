"""Who may use the admin side, decided from values: nothing here reads a clock or sends anything."""
