module spansfranz

go 1.18

require github.com/twmb/franz-go v1.15.3
