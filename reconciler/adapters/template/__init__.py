"""Templates of people, by Jinja2. Loaded only where one is given: it takes a tenth of a second."""
