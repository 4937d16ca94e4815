"""`heliograph bench chain`: gas on anvil, beside a contract as such things are usually written."""
