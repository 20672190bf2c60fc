"""How a database gets to the tables of this version, one module per revision."""
