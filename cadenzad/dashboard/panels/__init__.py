"""What a project's page is made of: each module answers one question from a moment's view."""
