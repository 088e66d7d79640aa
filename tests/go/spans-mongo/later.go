package main

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// What came to the driver over the years: versions that do not have it are built without this file.
func init() {
	later = func(ctx context.Context, c *mongo.Client) {
		shop := c.Database("shop")
		orders := shop.Collection("orders")
		search := orders.SearchIndexes()

		check(second(orders.UpdateByID(ctx, "canary", bson.D{{"$set", secret}})))
		check(shop.CreateCollection(ctx, "created"))
		check(shop.CreateView(ctx, "seen", "orders", mongo.Pipeline{{{"$match", secret}}}))
		check(second(shop.RunCommandCursor(ctx, bson.D{{"find", "orders"}, {"filter", secret}})))
		check(second(shop.Aggregate(ctx, mongo.Pipeline{{{"$match", secret}}})))
		check(second(shop.Watch(ctx, mongo.Pipeline{})))
		check(second(c.Watch(ctx, mongo.Pipeline{})))
		check(second(search.CreateOne(ctx, mongo.SearchIndexModel{Definition: secret})))
		check(second(search.List(ctx, options.SearchIndexes())))
		check(search.UpdateOne(ctx, "canary", secret))
		check(search.DropOne(ctx, "canary"))
		check(second(orders.Indexes().DropAll(ctx)))
		// v2: check(second(c.BulkWrite(ctx, []mongo.ClientBulkWrite{{"shop", "orders", mongo.NewClientInsertOneModel().SetDocument(secret)}})))
	}
}
