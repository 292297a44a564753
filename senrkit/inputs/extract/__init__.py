"""The SENR and SELA ODS extracts."""
