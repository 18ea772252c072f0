"""The brand's colours and logo: parsing them and checking their contrast."""
