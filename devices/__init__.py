"""The asset's side of the broker: keys, signed envelopes, topics, plants, recordings and the gateway."""
