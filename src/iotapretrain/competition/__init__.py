"""The competition: miners train and publish models, validators score them, anyone audits."""
