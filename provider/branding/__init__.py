"""The brand's colors and logo: parsing them and checking their contrast."""
