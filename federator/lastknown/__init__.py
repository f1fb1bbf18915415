"""What is shown of a site that is away, from what is remembered of it (`federator.notice`)."""
