"""Which features the gates of a layer read: drawn, given or learned."""
