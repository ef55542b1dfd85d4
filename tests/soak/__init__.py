"""Long runs against real parts: many writers, and kills at any moment. ``make soak`` runs all."""
